//! The portal: pages for people.

pub mod verify;
