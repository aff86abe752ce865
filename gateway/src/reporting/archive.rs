//! The archive: documents by their hashes, kept for good.
//!
//! An object's name is its institution and its SHA-256, so it is written once and never changed. What is read is
//! hashed on the way: bytes that are not the ones that were put are not given out.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    sync::Arc,
};

use futures_util::TryStreamExt as _;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutPayload, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path as Name,
};
use sha2::{Digest as _, Sha256};

use crate::{config, domain::Tenant};

/// What is sent at once; a store of S3 wants at least 5 MiB.
const PART: usize = 8 << 20;

/// Why the archive can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The store failed.
    #[error("archive: {0}")]
    Store(#[from] object_store::Error),
    /// The disk failed.
    #[error("archive: {0}")]
    Io(#[from] io::Error),
    /// What is there is not what was put there.
    #[error("archive: an object is not what its name says")]
    Altered,
}

/// Documents by their hashes.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

/// A document that was taken out: a file without a name, at its beginning.
#[derive(Debug)]
pub struct Document {
    /// The file.
    pub file: File,
    /// Its length.
    pub length: u64,
}

impl Archive {
    /// The archive of a configuration; its folder, unless it is a bucket.
    ///
    /// # Errors
    /// When the folder can't be made, or the bucket's settings make no sense.
    pub fn open(config: &config::Archive, folder: &Path) -> Result<Self, ArchiveError> {
        let store: Arc<dyn ObjectStore> = if config.s3_bucket.is_empty() {
            std::fs::create_dir_all(folder)?;
            Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
        } else {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&config.s3_bucket)
                .with_region(&config.s3_region)
                .with_access_key_id(&config.s3_access_key_id)
                .with_secret_access_key(config.s3_secret_access_key.get().unwrap_or_default());
            if !config.s3_endpoint.is_empty() {
                let is_plain = config.s3_endpoint.starts_with("http://");
                builder = builder.with_endpoint(&config.s3_endpoint).with_allow_http(is_plain);
            }
            Arc::new(builder.build()?)
        };
        Ok(Self { store, prefix: config.s3_prefix.clone() })
    }

    fn name(&self, tenant: Tenant, sha256: &[u8]) -> Name {
        let hash: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Name::from(format!("{}/{}/{hash}", self.prefix, tenant.id()))
    }

    /// Puts a file, which is read from its beginning; its hash and its length. What is there already is left.
    ///
    /// # Errors
    /// When it can't be read or put.
    pub async fn put(&self, tenant: Tenant, file: File) -> Result<([u8; 32], u64), ArchiveError> {
        let (file, sha256, length) = digest(file).await?;
        let name = self.name(tenant, &sha256);
        match self.store.head(&name).await {
            Ok(there) if there.size == length => return Ok((sha256, length)),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if length <= PART as u64 {
            let (_, bytes) = read_part(file).await?;
            self.store.put(&name, PutPayload::from(bytes)).await?;
            return Ok((sha256, length));
        }
        let mut upload = self.store.put_multipart(&name).await?;
        let mut file = file;
        loop {
            let (rest, bytes) = read_part(file).await?;
            file = rest;
            if bytes.is_empty() {
                break;
            }
            if let Err(error) = upload.put_part(PutPayload::from(bytes)).await {
                let _ = upload.abort().await;
                return Err(error.into());
            }
        }
        upload.complete().await?;
        Ok((sha256, length))
    }

    /// Puts bytes; their hash.
    ///
    /// # Errors
    /// When they can't be put.
    pub async fn put_bytes(&self, tenant: Tenant, bytes: Vec<u8>) -> Result<[u8; 32], ArchiveError> {
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        self.store.put(&self.name(tenant, &sha256), PutPayload::from(bytes)).await?;
        Ok(sha256)
    }

    /// Takes a document out.
    ///
    /// # Errors
    /// When it is not there, can't be read, or is not what was put.
    pub async fn get(&self, tenant: Tenant, sha256: &[u8]) -> Result<Document, ArchiveError> {
        let mut stream = self.store.get(&self.name(tenant, sha256)).await?.into_stream();
        let mut file = tempfile::tempfile()?;
        let (mut hash, mut length) = (Sha256::new(), 0);
        while let Some(bytes) = stream.try_next().await? {
            hash.update(&bytes);
            length += bytes.len() as u64;
            file = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file))
                .await
                .map_err(io::Error::other)??;
        }
        if hash.finalize()[..] != *sha256 {
            return Err(ArchiveError::Altered);
        }
        file.rewind()?;
        Ok(Document { file, length })
    }
}

/// The next part of a file; none at its end.
async fn read_part(file: File) -> io::Result<(File, Vec<u8>)> {
    tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        (&file).take(PART as u64).read_to_end(&mut bytes)?;
        Ok((file, bytes))
    })
    .await
    .map_err(io::Error::other)?
}

/// A file's hash and length, and the file, at its beginning.
///
/// # Errors
/// When it can't be read.
pub async fn digest(mut file: File) -> io::Result<(File, [u8; 32], u64)> {
    tokio::task::spawn_blocking(move || {
        file.rewind()?;
        let mut hashing = Hashing(Sha256::new());
        let length = io::copy(&mut file, &mut hashing)?;
        file.rewind()?;
        Ok((file, hashing.0.finalize().into(), length))
    })
    .await
    .map_err(io::Error::other)?
}

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
