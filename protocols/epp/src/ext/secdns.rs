//! DNSSEC data on the wire (RFC 5910, `secDNS-1.1`): dsData is taken over, keyData is read and remembered as given,
//! so that the registry can refuse it by name.

use registry::dnssec::Ds;
use registry::domain::SecDns;

use crate::xml::types::{base64, boolean, hex, number};
use crate::xml::{El, Ns, Seq, Syntax, Writer};

/// `dsOrKeyType`, the content of `secDNS:create`.
///
/// # Errors
/// When the element has another content.
pub fn create(element: &El<'_>) -> Result<SecDns, Syntax> {
    element.seq(|s| {
        let max_sig_life = s.opt("maxSigLife", max_sig_life)?.is_some();
        records(s)?.map(|given| SecDns { max_sig_life, ..given }).ok_or_else(|| s.expected("dsData"))
    })
}

/// `updateType`: read, and answered 2101 with the update that it belongs to.
///
/// # Errors
/// When the element has another content.
pub fn update(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        if let Some(urgent) = s.attr("urgent") {
            boolean(element, &urgent)?;
        }
        s.opt("rem", remove)?;
        s.opt("add", create)?;
        s.opt("chg", |chg| chg.seq(|s| s.opt("maxSigLife", max_sig_life)))?;
        Ok(())
    })
}

/// `remType`.
fn remove(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        let all = s.opt("all", |all| all.leaf(|_, text| boolean(all, text)))?;
        match all {
            Some(_) => Ok(()),
            None => records(s)?.map(drop).ok_or_else(|| s.expected("dsData")),
        }
    })
}

/// `dsData` or `keyData`, once or more; `None` if there is neither.
fn records(s: &mut Seq<'_, '_>) -> Result<Option<SecDns>, Syntax> {
    let ds = s.many("dsData", 0..=usize::MAX, ds_data)?;
    if ds.is_empty() {
        let keys = s.many("keyData", 0..=usize::MAX, key_data)?;
        let given = SecDns { ds: Vec::new(), key_data: true, max_sig_life: false };
        return Ok(if keys.is_empty() { None } else { Some(given) });
    }
    let key_data = ds.iter().any(|(_, with_key)| *with_key);
    let ds = ds.into_iter().map(|(ds, _)| ds).collect();
    Ok(Some(SecDns { ds, key_data, max_sig_life: false }))
}

/// `dsDataType`, and whether a keyData is inside.
fn ds_data(element: &El<'_>) -> Result<(Ds, bool), Syntax> {
    element.seq(|s| {
        let ds = Ds {
            key_tag: s.one("keyTag", short)?,
            algorithm: s.one("alg", byte)?,
            digest_type: s.one("digestType", byte)?,
            digest: s.one("digest", |e| e.leaf(|_, text| hex(e, text)))?.into(),
        };
        Ok((ds, s.opt("keyData", key_data)?.is_some()))
    })
}

/// `keyDataType`.
fn key_data(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("flags", short)?;
        s.one("protocol", byte)?;
        s.one("alg", byte)?;
        s.one("pubKey", |e| e.leaf(|_, text| base64(e, text)))?;
        Ok(())
    })
}

/// `maxSigLifeType`: seconds.
fn max_sig_life(element: &El<'_>) -> Result<u32, Syntax> {
    number(1..=i32::MAX.unsigned_abs())(element)
}

/// `unsignedShort`.
fn short(element: &El<'_>) -> Result<u16, Syntax> {
    number(0..=u16::MAX.into())(element).map(|value| u16::try_from(value).unwrap_or(u16::MAX))
}

/// `unsignedByte`.
fn byte(element: &El<'_>) -> Result<u8, Syntax> {
    number(0..=u8::MAX.into())(element).map(|value| u8::try_from(value).unwrap_or(u8::MAX))
}

/// `infData` of type `dsOrKeyType`.
pub fn render(w: &mut Writer, records: &[Ds]) {
    w.element("secDNS:infData", &[("xmlns:secDNS", Ns::SecDns.uri())], |w| {
        for ds in records {
            w.element("secDNS:dsData", &[], |w| {
                w.leaf("secDNS:keyTag", &ds.key_tag.to_string());
                w.leaf("secDNS:alg", &ds.algorithm.to_string());
                w.leaf("secDNS:digestType", &ds.digest_type.to_string());
                w.leaf("secDNS:digest", &ds.digest_hex());
            });
        }
    });
}
