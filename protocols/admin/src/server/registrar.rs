//! Registrars and their credentials.

use super::{Context, Control, Handle};
use crate::wire::{
    Failure, Instant, RegistrarCreate, RegistrarList, RegistrarPassword, RegistrarResume, RegistrarShow,
    RegistrarSuspend, RegistrarUpdate, RegistrarView, Seat, Suspension, Written,
};
use registry::{
    About, Backend, Refusal, Verb,
    registrar::{self, Edit, PostalAddress, Profile, Registrar, SESSIONS_DEFAULT},
};

impl<B: Backend, C: Control> Handle<B, C> for RegistrarCreate {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let certificate = self.certificate.as_deref().map(fingerprint).transpose()?;
        let password = context.hashing().seal(&self.handle, self.password).await?;
        let create = registrar::RegistrarCreate {
            handle: self.handle,
            profile: Profile {
                name: self.name,
                iana_id: self.iana_id,
                url: self.url,
                whois_server: self.whois_server,
                rdap_url: self.rdap_url,
                abuse_email: self.abuse_email,
                abuse_phone: self.abuse_phone,
                address: self.address.map(address),
                phone: self.phone,
                fax: self.fax,
                email: self.email,
            },
            password,
            certificate,
            sessions_max: self.sessions_max.unwrap_or(SESSIONS_DEFAULT),
        };
        let (svtrid, _) = context.write(Verb::RegistrarCreate(Box::new(create))).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarUpdate {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let certificate = edit(self.certificate).map(|text| text.as_deref().map(fingerprint).transpose());
        let update = registrar::RegistrarUpdate {
            handle: self.handle,
            name: self.name,
            iana_id: self.iana_id.map(|id| Some(id).filter(|id| *id > 0)),
            url: edit(self.url),
            whois_server: edit(self.whois_server),
            rdap_url: edit(self.rdap_url),
            abuse_email: edit(self.abuse_email),
            abuse_phone: edit(self.abuse_phone),
            address: self.address.map(|seat| Some(address(seat))),
            phone: edit(self.phone),
            fax: edit(self.fax),
            email: edit(self.email),
            certificate: certificate.transpose()?,
            sessions_max: self.sessions_max,
        };
        let (svtrid, _) = context.write(Verb::RegistrarUpdate(Box::new(update))).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

/// An empty text empties the field.
fn edit(text: Option<String>) -> Edit<String> {
    text.map(|text| Some(text).filter(|text| !text.is_empty()))
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarPassword {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let password = context.hashing().seal(&self.handle, self.password).await?;
        let change = registrar::RegistrarPassword { handle: self.handle, password };
        let (svtrid, _) = context.write(Verb::RegistrarPassword(Box::new(change))).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarSuspend {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let suspend = registrar::RegistrarSuspend { handle: self.handle, note: self.note };
        let (svtrid, _) = context.write(Verb::RegistrarSuspend(suspend)).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarResume {
    async fn handle(self, context: &Context<B, C>) -> Result<Written, Failure> {
        let resume = registrar::RegistrarResume { handle: self.handle };
        let (svtrid, _) = context.write(Verb::RegistrarResume(resume)).await?;
        Ok(Written { svtrid: svtrid.to_string() })
    }
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarList {
    async fn handle(self, context: &Context<B, C>) -> Result<Vec<RegistrarView>, Failure> {
        let mut all = registrar::all(&context.view().await?)?;
        all.sort_by_cached_key(|(_, registrar)| registrar::fold(&registrar.handle));
        Ok(all.into_iter().map(|(_, registrar)| shown(registrar)).collect())
    }
}

impl<B: Backend, C: Control> Handle<B, C> for RegistrarShow {
    async fn handle(self, context: &Context<B, C>) -> Result<RegistrarView, Failure> {
        let found = registrar::by_handle(&context.view().await?, &self.handle)?;
        let (_, registrar) = found.ok_or(Refusal::NotFound { about: About::Object, object: self.handle })?;
        Ok(shown(registrar))
    }
}

fn shown(registrar: Registrar) -> RegistrarView {
    let profile = registrar.profile;
    RegistrarView {
        handle: registrar.handle,
        name: profile.name,
        iana_id: profile.iana_id,
        url: profile.url,
        whois_server: profile.whois_server,
        rdap_url: profile.rdap_url,
        abuse_email: profile.abuse_email,
        abuse_phone: profile.abuse_phone,
        address: profile.address.map(seat),
        phone: profile.phone,
        fax: profile.fax,
        email: profile.email,
        certificate: registrar.certificate.map(|octets| net::Fingerprint(octets).to_string()),
        created: Instant(registrar.created),
        updated: registrar.updated.map(Instant),
        suspended: registrar.suspended.map(|s| Suspension { since: Instant(s.since), note: s.note }),
        sessions_max: registrar.sessions_max,
    }
}

fn address(s: Seat) -> PostalAddress {
    let Seat { street, city, state, postal_code, country } = s;
    // ISO 3166-1 writes upper case
    PostalAddress { street, city, state, postal_code, country: country.to_ascii_uppercase() }
}

fn seat(a: PostalAddress) -> Seat {
    let PostalAddress { street, city, state, postal_code, country } = a;
    Seat { street, city, state, postal_code, country }
}

/// SHA-256 as `openssl x509 -fingerprint -sha256` prints it, with or without colons.
fn fingerprint(text: &str) -> Result<[u8; 32], Failure> {
    let bad = || {
        Failure::bad_request(
            "fingerprint",
            "a fingerprint is 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` prints them",
        )
    };
    super::domain::octets(&text.replace(':', "")).and_then(|octets| octets.try_into().ok()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_come_with_and_without_colons() {
        let plain = "00ff".repeat(16);
        let colons =
            plain.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect::<Vec<_>>();
        assert_eq!(fingerprint(&plain).unwrap()[..2], [0, 255]);
        assert_eq!(fingerprint(&colons.join(":")).unwrap(), fingerprint(&plain.to_uppercase()).unwrap());
        for bad in ["", "00", &plain[1..], &format!("{plain}00"), &plain.replace('f', "g")] {
            assert!(fingerprint(bad).is_err(), "{bad}");
        }
    }
}
