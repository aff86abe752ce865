//! Pages in a real browser: that they work, that everybody can use them, and that they do nothing else.

mod docs;
mod harness;
mod journeys;
mod pages;
mod planted;
mod stage;
mod tours;
mod verify;
mod verify_file;
mod verify_speed;
mod weight;
