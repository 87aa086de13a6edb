//! Active health: what an endpoint says when it is asked.

use crate::upstreams::HealthCheck;

/// What is known of one endpoint by asking it. It is well until it has proved otherwise.
#[derive(Debug, Default)]
pub struct Health {
    unwell: bool,
    /// Answers in a row that speak against what it is held for.
    against: u32,
}

impl Health {
    /// An answer. True if the endpoint is held for something else from now on.
    pub fn heard(&mut self, good: bool, rules: &HealthCheck) -> bool {
        if good != self.unwell {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let enough = if self.unwell { rules.healthy_after } else { rules.unhealthy_after };
        let changes = self.against >= enough;
        if changes {
            *self = Self { unwell: !self.unwell, against: 0 };
        }
        changes
    }

    /// Whether it gets requests.
    pub fn is_well(&self) -> bool {
        !self.unwell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_in_a_row_change_it() {
        let rules = HealthCheck { path: "/".into(), interval: 1, timeout: 1, healthy_after: 2, unhealthy_after: 3 };
        let mut health = Health::default();
        let heard: Vec<_> = "--+---+-++"
            .chars()
            .map(|answer| {
                let changed = health.heard(answer == '+', &rules);
                (changed, health.is_well())
            })
            .collect();
        let changes: Vec<_> = heard.iter().map(|(changed, _)| *changed).collect();
        assert_eq!(changes, [false, false, false, false, false, true, false, false, false, true]);
        let well: Vec<_> = heard.iter().map(|(_, well)| *well).collect();
        assert_eq!(well, [true, true, true, true, true, false, false, false, false, true]);
    }
}
