//! What can happen. `docs/security/audit.md` tells each of them; a test keeps the two in step.

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Action {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, `resource.what-happened`, which never changes.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    /// Somebody registered.
    UserRegistered = "user.registered";
    /// An account is gone.
    UserDeleted = "user.deleted";
    /// An account's address was shown to be its user's.
    EmailVerified = "email.verified";
    /// An account has another address.
    EmailChanged = "email.changed";
    /// Somebody signed in wants another address for their account.
    EmailChangeAsked = "email.change-asked";
    /// A password was changed by who knew it.
    PasswordChanged = "password.changed";
    /// A password was changed by who could read the mail.
    PasswordReset = "password.reset";
    /// Somebody asked for a password reset, and the account got a mail.
    PasswordResetAsked = "password.reset-asked";
    /// An account has one more second factor.
    FactorAdded = "second-factor.added";
    /// An account has one second factor less.
    FactorRemoved = "second-factor.removed";
    /// An account has new recovery codes.
    RecoveryRenewed = "recovery-codes.renewed";
    /// A recovery code was used.
    RecoveryUsed = "recovery-code.used";
    /// An account elsewhere signs somebody in.
    IdentityLinked = "identity.linked";
    /// An account elsewhere signs somebody in no more.
    IdentityUnlinked = "identity.unlinked";
    /// A device is not asked for a second factor for a while.
    DeviceTrusted = "device.trusted";
    /// A device is asked again.
    DeviceRemoved = "device.removed";
    /// Somebody signed in proved again who they are, or tried to.
    SteppedUp = "session.stepped-up";
    /// Somebody signed in.
    SessionStarted = "session.started";
    /// Somebody tried to sign in.
    LoginFailed = "login.failed";
    /// Somebody guessed at passwords or codes, or invited others, more often than the limits allow.
    GuessRefused = "guess.refused";
    /// A new data key encrypts what must not be readable in the database.
    DataKeyRotated = "data-key.rotated";
    /// The data keys were wrapped by another master key.
    DataKeysRewrapped = "data-keys.rewrapped";
    /// What older data keys encrypted was encrypted anew.
    DataReencrypted = "data.reencrypted";
    /// An API key was made.
    ApiKeyCreated = "api-key.created";
    /// An API key was replaced by another.
    ApiKeyRotated = "api-key.rotated";
    /// An API key was ended.
    ApiKeyEnded = "api-key.ended";
    /// A known API key was refused: it is over, or was shown where or for what it is not good.
    ApiKeyRefused = "api-key.refused";
    /// A session was ended.
    SessionEnded = "session.ended";
    /// A replaced refresh token was used again.
    RefreshReused = "session.refresh-reused";
    /// A member asked for what they may not do.
    PermissionDenied = "permission.denied";
    /// A workspace was founded.
    WorkspaceCreated = "workspace.created";
    /// A workspace was changed.
    WorkspaceChanged = "workspace.changed";
    /// A workspace was deleted.
    WorkspaceDeleted = "workspace.deleted";
    /// A workspace has another owner.
    WorkspaceTransferred = "workspace.transferred";
    /// Somebody was invited by mail.
    MemberInvited = "member.invited";
    /// An invitation was sent again.
    InvitationResent = "invitation.resent";
    /// An invitation was taken back.
    InvitationWithdrawn = "invitation.withdrawn";
    /// Somebody became a member by an invitation.
    InvitationAccepted = "invitation.accepted";
    /// Somebody became a member.
    MemberAdded = "member.added";
    /// A member's role was changed.
    MemberChanged = "member.changed";
    /// A member was removed, or left.
    MemberRemoved = "member.removed";
    /// A workspace has another service account.
    ServiceAccountCreated = "service-account.created";
    /// A service account's name or role was changed.
    ServiceAccountChanged = "service-account.changed";
    /// A service account is gone, and its keys with it.
    ServiceAccountDeleted = "service-account.deleted";
    /// A role was made.
    RoleCreated = "role.created";
    /// A role was changed.
    RoleChanged = "role.changed";
    /// A role was deleted.
    RoleDeleted = "role.deleted";
    /// A team was made.
    TeamCreated = "team.created";
    /// A team was changed.
    TeamChanged = "team.changed";
    /// A team was deleted.
    TeamDeleted = "team.deleted";
    /// A member was put into a team.
    TeamMemberAdded = "team-member.added";
    /// A member was taken out of a team, or left it.
    TeamMemberRemoved = "team-member.removed";
    /// Permissions on a single thing were granted.
    GrantCreated = "grant.created";
    /// A grant was taken back.
    GrantDeleted = "grant.deleted";
    /// A collection was created.
    CollectionCreated = "collection.created";
    /// A collection's name or schema was changed.
    CollectionChanged = "collection.changed";
    /// The rules for a collection's fields were replaced.
    FieldRulesChanged = "field-rules.changed";
    /// A collection was deleted.
    CollectionDeleted = "collection.deleted";
    /// How long a file is kept, or whether it is held, was changed.
    FileHeld = "file.held";
    /// A link that lasts longer than an hour leads to a file.
    FileLinked = "file.linked";
    /// No link to a file is good any more.
    FileLinksRevoked = "file-links.revoked";
    /// Support may act in a workspace's members' names for a while.
    SupportAllowed = "support.allowed";
    /// It may not any more.
    SupportRefused = "support.refused";
    /// Support began to act in somebody's name.
    SupportBegan = "support.began";
    /// Support asked for something in somebody's name.
    SupportActed = "support.acted";
    /// Somebody is support.
    SupportAppointed = "support.appointed";
    /// Somebody is support no more.
    SupportDismissed = "support.dismissed";
    /// The trail was exported.
    AuditExported = "audit.exported";
    /// The key that access tokens are signed with was replaced.
    SigningKeyRotated = "signing-key.rotated";
    /// Edges forget something of what they have cached.
    CachePurged = "cache.purged";
    /// Another gateway file is published.
    GatewayPublished = "gateway.published";
    /// The database got another schema.
    DatabaseMigrated = "database.migrated";
    /// Somebody looked whether the trail is as it was written.
    AuditVerified = "audit.verified";
    /// Somebody looked at dead jobs.
    JobsListed = "jobs.listed";
    /// Dead jobs are tried again.
    JobsRevived = "jobs.revived";
    /// An address gets mail again.
    MailAllowed = "mail.allowed";
}
