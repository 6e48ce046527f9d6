//! Secrets that stand in links: of an invitation, of a message, of a calendar.
//!
//! Each is a kind, the tenant, and 256 random bits. The tenant says where to look; what is kept is the SHA-256 of the bits, so
//! nobody who reads the database can use one, and nothing but the bits opens anything.

use std::fmt::Write as _;

use kernel::ids::{TenantId, hyphenated};

use super::random;

/// The secret of a link.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret {
    pub tenant: TenantId,
    bits: [u8; 32],
}

impl LinkSecret {
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            bits: random::secret(),
        }
    }

    /// As it stands in a link: `<kind>_<tenant><bits>`, in hexadecimal digits.
    pub fn render(&self, kind: &str) -> String {
        let mut text = format!("{kind}_{}", self.tenant.0.simple());
        for byte in self.bits {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// `None` for what can't be one of this kind.
    pub fn parse(kind: &str, text: &str) -> Option<Self> {
        let body = text.strip_prefix(kind)?.strip_prefix('_')?;
        let digits = body.len() == 96
            && body
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !digits {
            return None;
        }
        let (tenant, bits) = body.split_at(32);
        let tenant = format!(
            "{}-{}-{}-{}-{}",
            &tenant[..8],
            &tenant[8..12],
            &tenant[12..16],
            &tenant[16..20],
            &tenant[20..]
        );
        Some(Self {
            tenant: TenantId(hyphenated(&tenant)?),
            bits: hex::decode(bits).ok()?.try_into().ok()?,
        })
    }

    /// What the database keeps.
    pub fn digest(&self) -> [u8; 32] {
        random::digest(&self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_written_and_as_nothing_else() {
        let secret = LinkSecret::new(TenantId::new());
        let text = secret.render("cal");
        assert!(LinkSecret::parse("cal", &text) == Some(secret.clone()));
        assert!(LinkSecret::parse("apt", &text).is_none());
        for wrong in [
            "",
            "cal_",
            &text[..text.len() - 1],
            &text.to_uppercase(),
            &format!("{text}0"),
        ] {
            assert!(LinkSecret::parse("cal", wrong).is_none(), "{wrong}");
        }
    }
}
