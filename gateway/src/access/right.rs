//! Rights: what a handler's signature asks for. Each names its scope and what using it costs.

use crate::domain::Scope;

/// A right to do one kind of thing.
pub trait Right: 'static {
    /// The scope that a token must have.
    const SCOPE: Scope;
    /// Units of the caller's limits that one use takes.
    const COST: u32;
    /// Whether it concerns one institution's data; if not, the caller's own log is meant.
    const TENANT: bool = true;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident: $scope:ident, $cost:literal;)*) => {
        $($(#[$doc])* #[derive(Clone, Copy, Debug)] pub struct $name;
        impl Right for $name {
            const SCOPE: Scope = Scope::$scope;
            const COST: u32 = $cost;
        })*
    };
}

rights! {
    /// See the institution.
    ReadInstitution: InstitutionRead, 1;
    /// See accounts.
    ReadAccounts: AccountsRead, 1;
    /// See transactions.
    ReadTransactions: TransactionsRead, 1;
    /// Deliver a batch of records.
    WriteTransactions: TransactionsWrite, 5;
    /// Deliver a file of records.
    Deliver: TransactionsWrite, 20;
    /// Go on with a file's upload.
    GoOn: TransactionsWrite, 1;
    /// See what became of a file that was delivered.
    SeeDelivery: TransactionsWrite, 1;
    /// See the ledger.
    ReadLedger: LedgerRead, 1;
    /// Look through much of the ledger for a page.
    SearchLedger: LedgerRead, 5;
    /// See the state of a bundle, and download it.
    ReadEvidence: EvidenceRead, 1;
    /// Order a bundle.
    OrderEvidence: EvidenceRead, 20;
    /// See the institution's own clients.
    SeeClients: ClientsManage, 1;
    /// Change one of them: two logs and every replica hear of it.
    ChangeClients: ClientsManage, 20;
    /// See the state of an export, and download it.
    ReadExports: ExportsRead, 1;
    /// Order an export.
    OrderExports: ExportsRead, 20;
    /// Follow events.
    FollowEvents: EventsRead, 1;
    /// Set up webhook endpoints and see what they were told.
    ManageWebhooks: WebhooksManage, 1;
    /// Have a webhook endpoint told at once: something is sent to it.
    TellWebhooks: WebhooksManage, 20;
    /// See limits and usage.
    ReadUsage: UsageRead, 1;
    /// See lineage.
    ReadLineage: LineageRead, 1;
    /// Tell lineage.
    WriteLineage: LineageWrite, 1;
    /// See reports.
    ReadReports: ReportsRead, 1;
    /// Take a report's evidence away: it is put together for this.
    TakeReportEvidence: ReportsRead, 20;
    /// Record what became of a report.
    WriteReports: ReportsWrite, 1;
    /// Have a report made, or deposit one.
    OrderReports: ReportsWrite, 20;
    /// Make and revoke grants, and see them.
    ManageGrants: GrantsManage, 1;
}

/// See which grants one holds. It spans institutions, so the log of the caller's home tells of it.
#[derive(Clone, Copy, Debug)]
pub struct SeeGranted;

impl Right for SeeGranted {
    const SCOPE: Scope = Scope::GrantedRead;
    const COST: u32 = 1;
    const TENANT: bool = false;
}

/// Manage institutions, clients and plans. Concerns the provider's log.
#[derive(Clone, Copy, Debug)]
pub struct Administer;

impl Right for Administer {
    const SCOPE: Scope = Scope::Admin;
    const COST: u32 = 1;
    const TENANT: bool = false;
}
