//! Secrets on disk: the key that signs checkpoints, the key that signs tokens, and the secret that
//! authenticates cursors and nonces. Files of mode 0600, made on first use, never in the database.
//!
//! Keys are Ed25519 as PKCS#8 version 1 (RFC 8410 section 7), so that `openssl pkey` reads them.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox};
use veritrail_audit::{Checkpoint, SignerKey};

use crate::{
    config::Secret,
    world::{World, random},
};

/// What precedes the seed in the DER form of an Ed25519 key.
const PKCS8_V1: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// What a private key's PEM ends with.
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The disk failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not there, though something was signed with it before.
    #[error("{0} is missing; put it back, for what it signed cannot be signed by another")]
    Missing(PathBuf),
    /// Others may read it.
    #[error("{0} can be read by others; set its mode to 0600")]
    Exposed(PathBuf),
    /// It is not an Ed25519 private key in PKCS#8 PEM.
    #[error("{0} is not an Ed25519 private key (PKCS#8, PEM)")]
    Malformed(PathBuf),
}

/// A 32-byte Ed25519 seed.
#[derive(Debug)]
pub struct Seed(SecretBox<[u8; 32]>);

#[cfg(test)]
impl Seed {
    /// One that is no secret.
    pub(crate) fn known() -> Self {
        Self(SecretBox::new(Box::new([7; 32])))
    }
}

impl Seed {
    /// Reads a key file, or makes it with a new key when there is none.
    ///
    /// # Errors
    /// When the file can't be read or made, others may read it, or it holds something else.
    pub fn load_or_make(path: &Path, world: &dyn World) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        if !path.exists() {
            let mut der = PKCS8_V1.to_vec();
            der.extend(random::<32>(world));
            let pem = format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                STANDARD.encode(&der)
            );
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
            file.write_all(pem.as_bytes()).map_err(io)?;
            file.sync_all().map_err(io)?;
            if let Some(folder) = path.parent() {
                fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
            }
        }
        Self::load(path)
    }

    /// The key that the configuration gives, or else the one in a file.
    ///
    /// # Errors
    /// When it is no key; without one, what reading the file says.
    pub fn given_or(
        name: &'static str,
        given: &Secret,
        file: impl FnOnce() -> Result<Self, KeyError>,
    ) -> Result<Self, KeyError> {
        match given.get() {
            Some(pem) => Self::from_pem(pem).ok_or_else(|| KeyError::Malformed(name.into())),
            None => file(),
        }
    }

    /// The keys that the configuration gives, or else those in a file, which is made with one when there is
    /// none: one PEM after the other, the first of which is in use.
    ///
    /// # Errors
    /// When one of them is no key; without any, what reading the file says.
    pub fn several(
        name: &'static str,
        given: &Secret,
        path: &Path,
        world: &dyn World,
    ) -> Result<(Self, Vec<Self>), KeyError> {
        let (text, of) = match given.get() {
            Some(text) => (text.to_owned(), PathBuf::from(name)),
            None => {
                if !path.exists() {
                    return Self::load_or_make(path, world).map(|seed| (seed, Vec::new()));
                }
                (Self::private_text(path)?, path.to_owned())
            }
        };
        let pems = text.split_inclusive(PEM_END).filter(|pem| !pem.trim().is_empty());
        let mut all = pems.map(Self::from_pem).collect::<Option<Vec<_>>>().unwrap_or_default().into_iter();
        let first = all.next().ok_or(KeyError::Malformed(of))?;
        Ok((first, all.collect()))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// When it is missing or can't be read, others may read it, or it holds something else.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        Self::from_pem(&Self::private_text(path)?).ok_or_else(|| KeyError::Malformed(path.to_owned()))
    }

    /// What a file says that nobody else may read.
    fn private_text(path: &Path) -> Result<String, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        if !path.exists() {
            return Err(KeyError::Missing(path.to_owned()));
        }
        if fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        fs::read_to_string(path).map_err(io)
    }

    fn from_pem(pem: &str) -> Option<Self> {
        let body = pem.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
        let body = body.strip_suffix(PEM_END)?;
        let der = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
        let seed: [u8; 32] = der.strip_prefix(&PKCS8_V1)?.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(seed))))
    }

    /// The key in PKCS#8 DER, for a library that wants it so.
    #[must_use]
    pub fn pkcs8(&self) -> Vec<u8> {
        [PKCS8_V1.as_slice(), self.0.expose_secret()].concat()
    }

    /// The seed itself.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

/// Signs checkpoints. A KMS or an HSM can stand behind this.
pub trait CheckpointSigner: Send + Sync {
    /// The signed note of a checkpoint.
    ///
    /// # Errors
    /// Says why it could not be signed.
    fn sign(&self, checkpoint: &Checkpoint) -> Result<String, String>;
    /// The public key under a log's name, as a C2SP vkey.
    fn vkey(&self, origin: &str) -> String;
}

/// The signing key from a file.
#[derive(Debug)]
pub struct FileSigner(Seed);

impl FileSigner {
    /// Signs with this key.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self(seed)
    }
}

impl CheckpointSigner for FileSigner {
    fn sign(&self, checkpoint: &Checkpoint) -> Result<String, String> {
        let key = SignerKey::new(&checkpoint.origin, self.0.expose()).map_err(|e| e.to_string())?;
        Ok(key.sign(checkpoint))
    }

    fn vkey(&self, origin: &str) -> String {
        SignerKey::new(origin, self.0.expose()).map(|key| key.vkey()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Machine;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = std::env::temp_dir().join(format!("veritrail-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("ledger.pem");
        let _ = fs::remove_file(&path);
        let made = Seed::load_or_make(&path, &Machine).unwrap();
        assert_eq!(made.expose(), Seed::load_or_make(&path, &Machine).unwrap().expose());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Seed::load_or_make(&path, &Machine), Err(KeyError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(Seed::load_or_make(&path, &Machine), Err(KeyError::Malformed(_))));
    }
}
