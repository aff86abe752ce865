//! Reports: find them, have them made, and open them down to the records that they are made of.

pub mod adjust;
pub mod compare;
pub mod decide;
mod decimal;
pub mod deliver;
pub mod downloads;
pub mod figure;
mod form;
pub mod list;
pub mod new;
pub mod next;
pub mod one;
mod sheet;
pub mod verdict;
pub mod version;
mod words;

use actix_web::web;

/// The pages of reports. Those with a name of their own stand before those that take any.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(list::page)
        .service(new::page)
        .service(new::order)
        .service(compare::page)
        .service(next::page)
        .service(next::order)
        .service(adjust::page)
        .service(adjust::propose)
        .service(decide::page)
        .service(decide::decide)
        .service(verdict::page)
        .service(verdict::record)
        .service(deliver::page)
        .service(deliver::record)
        .service(downloads::content)
        .service(downloads::bundle)
        .service(downloads::output)
        .service(figure::page)
        .service(version::page)
        .service(one::page);
}
