//! Where reports are kept for good.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, refused};

/// Where documents of reports are kept for good: `archive/` of `storage.data_dir`, or a bucket of a store that
/// speaks S3, which replicas share.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    /// The bucket; empty for the folder.
    pub s3_bucket: String,
    /// The store's URL, where it is not AWS: `https://…`.
    pub s3_endpoint: String,
    /// The bucket's region.
    pub s3_region: String,
    /// The access key's id.
    pub s3_access_key_id: String,
    /// The access key's secret.
    pub s3_secret_access_key: Secret,
    /// What each object's name begins with.
    pub s3_prefix: String,
}

impl Default for Archive {
    fn default() -> Self {
        Self {
            s3_bucket: String::new(),
            s3_endpoint: String::new(),
            s3_region: "us-east-1".to_owned(),
            s3_access_key_id: String::new(),
            s3_secret_access_key: Secret::default(),
            s3_prefix: String::new(),
        }
    }
}

impl Archive {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.s3_bucket.is_empty() {
            return Ok(());
        }
        if self.s3_access_key_id.is_empty() || self.s3_secret_access_key.get().is_none() {
            return refused(
                "archive.s3_access_key_id",
                "a bucket needs an access key: its id and its secret",
            );
        }
        let endpoint = &self.s3_endpoint;
        if !endpoint.is_empty() && !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
            return refused("archive.s3_endpoint", "a URL that begins with https://");
        }
        Ok(())
    }
}
