//! The steps in which a connection becomes a WebSocket, and the question whether it may stay one.

use breakwater_kit::problems;
use breakwater_kit::types::{Introspection, Opinion, Problem, Requirement, ResponseHead, Verdict};

use super::{Exchange, Next, Step};
use crate::effect::Body;
use crate::handshake::{self, Handshake};
use crate::policies::{Fault, Policies};

/// What becomes of a tunnel whose caller is looked at again.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It stays.
    Good,
    /// The session or key that opened it has ended, or its credentials have run out.
    Ended,
    /// Ask this, then call [`Exchange::standing_after`].
    Ask(Introspection),
}

impl Exchange {
    /// The shell can carry a tunnel. Others refuse what would become one.
    #[must_use]
    pub fn with_tunnels(mut self) -> Self {
        self.tunnels = true;
        self
    }

    /// What a route makes of a handshake that may be asked for.
    pub(super) fn judge_handshake(&mut self, asked: Option<Result<Handshake, Problem>>) -> Result<(), Problem> {
        if !self.route.as_ref().is_some_and(|route| route.upgrades) {
            return Ok(());
        }
        if !self.tunnels && handshake::is_meant(&self.request) {
            return Err(problems::upgrade_not_supported());
        }
        let Some(asked) = asked.filter(|_| self.tunnels) else { return Ok(()) };
        let handshake = asked?;
        if !self.origin.is_allowed() && !handshake::is_of_this_site(&self.request) {
            return Err(problems::origin_not_allowed());
        }
        self.handshake = Some(handshake);
        Ok(())
    }

    /// The upstream has agreed.
    pub(super) fn switched(&self, head: ResponseHead) -> Step {
        Ok(Next::Answer(head, Body::Tunnel))
    }

    /// Whether the caller may go on with what was begun. `now` is Unix seconds.
    pub fn standing<P: Policies>(&self, policies: &mut P, now: u64) -> Standing {
        let Some(route) = &self.route else { return Standing::Ended };
        if route.requirement == Requirement::Public {
            return Standing::Good;
        }
        let verdict = policies.authenticate(&self.request, &route.requirement, self.certificate.as_ref(), now);
        self.judge_standing(verdict, now)
    }

    /// The same with what the authorization server said.
    pub fn standing_after<P: Policies>(&self, policies: &mut P, answer: Option<&Opinion>, now: u64) -> Standing {
        let Some(route) = &self.route else { return Standing::Ended };
        let verdict = policies.introspected(&self.request, &route.requirement, answer, now);
        match self.judge_standing(verdict, now) {
            // One question is enough.
            Standing::Ask(_) => Standing::Ended,
            standing => standing,
        }
    }

    fn judge_standing(&self, verdict: Result<Verdict, Fault>, now: u64) -> Standing {
        match verdict {
            Ok(Verdict::Anonymous) if self.caller.is_none() => Standing::Good,
            Ok(Verdict::Known(caller)) => {
                let same = self.caller.as_ref().is_some_and(|before| before.subject == caller.subject);
                if same { Standing::Good } else { Standing::Ended }
            }
            Ok(Verdict::Introspect(mut question)) => {
                if question.origin.is_none() {
                    self.sign(&mut question, now);
                }
                Standing::Ask(question)
            }
            // Who cannot be judged is not let on.
            Ok(Verdict::Anonymous | Verdict::Refuse(_) | Verdict::UnknownKey(_)) | Err(_) => Standing::Ended,
        }
    }
}
