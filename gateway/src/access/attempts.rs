//! Tries to sign in, counted before anything is checked: in the database, so that replicas count together and what
//! comes at once can't pass.
//!
//! Wrong passwords of an account use up the tries of the network that they come from, so that strangers elsewhere
//! don't keep its owner out. A network has tries of its own, whatever the account. Those of an account from
//! everywhere are many; beyond them each one takes longer, and none is refused. Wrong codes are counted by the
//! person, from everywhere: whoever tries codes knows the password.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::{Context, Door, people::Settings};
use crate::{
    domain::{UserId, network::Network},
    error::{Code, Problem},
    store::tries::{self, Pace},
};

/// What one person has of addresses, by which tries of an account are counted: one, or 64 bits of them.
const PERSON: (u8, u8) = (32, 64);
/// What one site has, by which tries of all accounts are counted: one, or what is given to a site (RFC 6177).
const SITE: (u8, u8) = (32, 48);
/// How long a try of an account takes longer beyond those from everywhere.
const SLOW: Duration = Duration::from_secs(2);

/// How many tries there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    account: Pace,
    network: Pace,
    everywhere: Pace,
    codes: Pace,
}

impl Tries {
    pub(super) fn new(settings: &Settings) -> Self {
        let pace = |at_once| Pace::new(at_once, settings.try_every_s);
        Self {
            account: pace(settings.tries_per_account),
            network: pace(settings.tries_per_address),
            everywhere: pace(settings.tries_everywhere),
            codes: Pace::new(settings.codes_at_once, settings.code_every_s),
        }
    }
}

/// A try that was taken: given back if it was a good one.
#[derive(Debug)]
pub(super) struct Taken {
    keys: Vec<[u8; 32]>,
    every_us: i64,
    /// Whether the account has had more than its tries from everywhere.
    pub is_flooded: bool,
}

fn refused(what: &str, wait_us: i64) -> Problem {
    let seconds = u64::try_from(wait_us).unwrap_or(0).div_ceil(1_000_000);
    let detail = format!("there were too many {what}; try again in {seconds} s");
    Problem { retry_after_s: Some(seconds), ..Problem::new(Code::QuotaExceeded, detail) }
}

impl Door {
    /// Takes a try from an address, and to sign in to an account if one is named, whether there is one or not.
    ///
    /// # Errors
    /// 429 when there is none left.
    pub(super) async fn take_try(&self, context: &Context, account: Option<&str>) -> Result<Taken, Problem> {
        let paces = self.people.tries;
        let (site, person) =
            (Network::around(context.address, SITE), Network::around(context.address, PERSON));
        let mut keys = vec![tries::key(&["network", &site.to_string()])];
        let mut wanted = vec![paces.network];
        if let Some(account) = account {
            keys.push(tries::key(&["account", account, &person.to_string()]));
            wanted.push(paces.account);
        }
        for (key, pace) in keys.iter().zip(wanted) {
            let wait_us = self.recorder.take_try(*key, pace).await?;
            if wait_us > 0 {
                return Err(refused("tries to sign in", wait_us));
            }
        }
        let mut is_flooded = false;
        if let Some(account) = account {
            let everywhere = tries::key(&["account", account]);
            is_flooded = self.recorder.take_try(everywhere, paces.everywhere).await? > 0;
            if is_flooded {
                // Who only waits takes nobody's slot.
                context.hold(None);
                tokio::time::sleep(SLOW).await;
                context.enter(&self.load)?;
            } else {
                keys.push(everywhere);
            }
        }
        Ok(Taken { keys, every_us: paces.network.every_us, is_flooded })
    }

    /// Gives a try back that was a good one.
    ///
    /// # Errors
    /// When it can't be stored.
    pub(super) async fn give_back(&self, taken: Taken) -> Result<(), Problem> {
        let every_us = Some(taken.every_us);
        try_join_all(taken.keys.into_iter().map(|key| self.recorder.return_tries(key, every_us))).await?;
        Ok(())
    }

    /// Takes a try of a code of somebody's second factor.
    ///
    /// # Errors
    /// 429 when there is none left: until there is one again, or an operator allows more.
    pub(super) async fn take_code(&self, user: UserId) -> Result<(), Problem> {
        let wait_us = self.recorder.take_try(tries::codes_of(user), self.people.tries.codes).await?;
        if wait_us > 0 {
            return Err(refused("wrong codes", wait_us));
        }
        Ok(())
    }

    /// A code was good: the wrong ones before it count no longer.
    ///
    /// # Errors
    /// When it can't be stored.
    pub(super) async fn forget_codes(&self, user: UserId) -> Result<(), Problem> {
        Ok(self.recorder.return_tries(tries::codes_of(user), None).await?)
    }
}
