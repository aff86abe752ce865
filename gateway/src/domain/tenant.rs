//! Whose data: the institution that a caller was found to speak for.

use super::InstitutionId;

/// An institution whose data may be touched.
///
/// The store's tenant functions take this and not a bare id, so that an id from a request cannot
/// reach them. `access` vouches for callers and `ledger` for the service itself; nothing else does,
/// which a test holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(InstitutionId);

impl Tenant {
    /// Says that whoever asks may touch this institution's data.
    #[must_use]
    pub fn vouched(institution: InstitutionId) -> Self {
        Self(institution)
    }

    /// Some institution, for tests.
    #[cfg(test)]
    pub(crate) fn some() -> Self {
        Self(InstitutionId::from_parts(1, [2; 10]))
    }

    /// The institution's id.
    #[must_use]
    pub fn id(self) -> InstitutionId {
        self.0
    }

    /// The institution's bare UUID, as the store holds it.
    #[must_use]
    pub fn uuid(self) -> uuid::Uuid {
        self.0.uuid()
    }
}
