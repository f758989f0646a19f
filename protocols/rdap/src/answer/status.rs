//! EPP statuses as RDAP statuses (RFC 8056 section 2).

/// The statuses of an object, in the same order.
pub(super) fn words(epp: &[&'static str]) -> Vec<&'static str> {
    epp.iter().map(|status| word(status)).collect()
}

/// An EPP status in RDAP's words.
fn word(epp: &'static str) -> &'static str {
    match epp {
        "clientDeleteProhibited" => "client delete prohibited",
        "clientHold" => "client hold",
        "clientRenewProhibited" => "client renew prohibited",
        "clientTransferProhibited" => "client transfer prohibited",
        "clientUpdateProhibited" => "client update prohibited",
        "serverDeleteProhibited" => "server delete prohibited",
        "serverHold" => "server hold",
        "serverRenewProhibited" => "server renew prohibited",
        "serverTransferProhibited" => "server transfer prohibited",
        "serverUpdateProhibited" => "server update prohibited",
        "addPeriod" => "add period",
        "autoRenewPeriod" => "auto renew period",
        "renewPeriod" => "renew period",
        "transferPeriod" => "transfer period",
        "redemptionPeriod" => "redemption period",
        "pendingCreate" => "pending create",
        "pendingDelete" => "pending delete",
        "pendingRenew" => "pending renew",
        "pendingRestore" => "pending restore",
        "pendingTransfer" => "pending transfer",
        "pendingUpdate" => "pending update",
        "linked" => "associated",
        "ok" => "active",
        // `inactive`: the same word in both
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry::status::{Status, Statuses};

    #[test]
    fn every_status_that_an_object_can_have_is_mapped() {
        let all = [
            Status::ClientDeleteProhibited,
            Status::ClientHold,
            Status::ClientRenewProhibited,
            Status::ClientTransferProhibited,
            Status::ClientUpdateProhibited,
            Status::ServerDeleteProhibited,
            Status::ServerHold,
            Status::ServerRenewProhibited,
            Status::ServerTransferProhibited,
            Status::ServerUpdateProhibited,
        ];
        let every = all.into_iter().fold(Statuses::default(), Statuses::with);
        let mapped =
            [words(&every.words(true, true)), words(&Statuses::default().words(false, false))].concat();
        assert_eq!(mapped.len(), all.len() + 3);
        for status in mapped {
            assert!(status.chars().all(|c| c.is_ascii_lowercase() || c == ' '), "{status}");
        }
    }
}
