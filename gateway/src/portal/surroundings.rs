//! What a request finds around it, since the portal was put together so.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest, web};

use crate::{access::Context, error::Problem};

/// What all requests share.
pub(super) fn given<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, Problem> {
    request.app_data::<web::Data<T>>().cloned().ok_or_else(missing)
}

/// What is known of this one.
pub(super) fn context(request: &HttpRequest) -> Result<Arc<Context>, Problem> {
    request.extensions().get::<Arc<Context>>().cloned().ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::internal("the portal is not put together")
}
