//! References that a statement used: each names one transaction of it.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use crate::{domain::Text, intake::statement::reference};

/// Eight bytes for each reference: a collision within a statement is out of reach.
#[derive(Debug, Default)]
pub(super) struct Uses {
    used: HashSet<u64>,
    /// Of those that came again, the number that the next one gets.
    again: HashMap<u64, u64>,
}

fn short(text: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Uses {
    /// Whether this reference is used now for the first time.
    pub(super) fn is_first(&mut self, text: &str) -> bool {
        self.used.insert(short(text))
    }

    /// The reference itself on its first use, then with `/2`, `/3` and so on after it: the same each time that
    /// the file is read.
    pub(super) fn own(&mut self, text: Text<64>) -> Text<64> {
        if self.is_first(&text) {
            return text;
        }
        let mut number = self.again.get(&short(&text)).copied().unwrap_or(2);
        loop {
            let numbered = reference(&[text.as_str(), &number.to_string()]);
            number += 1;
            if self.is_first(&numbered) {
                self.again.insert(short(&text), number);
                return numbered;
            }
        }
    }
}
