//! Cursors: where a page ended, sealed (it may hold a name, and it goes into a URL), and good only for the same tenant,
//! operation and filters.
//!
//! A cursor that was made up, or comes from another tenant or another query, is `invalid_cursor`, whichever it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::page::{DEFAULT_LIMIT, MAX_LIMIT};
use kernel::{Code, Error, Page, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::Ctx;

/// The page a caller wants of one list.
pub struct Paging<'a> {
    ctx: &'a Ctx,
    scope: String,
    cursor: Option<String>,
    limit: u32,
}

impl<'a> Paging<'a> {
    /// `filters` is whatever else narrows the list: a cursor is good for the same filters only.
    pub fn new(
        ctx: &'a Ctx,
        filters: &impl Serialize,
        limit: Option<u32>,
        cursor: Option<String>,
    ) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 || limit > MAX_LIMIT {
            return Err(Error::new(Code::InvalidParameter).with_fields(vec![
                kernel::FieldError::new("?limit", "out_of_range", "must lie between 1 and 200"),
            ]));
        }
        let filters = serde_json::to_string(filters).map_err(Error::internal)?;
        let scope = format!("{}|{}|{filters}", ctx.tenant(), ctx.request().route);
        Ok(Self {
            ctx,
            scope,
            cursor,
            limit,
        })
    }

    /// Where the page before ended; `None` on the first.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let invalid = || Error::new(Code::InvalidCursor);
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let key = self
            .ctx
            .app()
            .keys
            .current()
            .open_cursor(&self.scope, &bytes)
            .ok_or_else(invalid)?;
        serde_json::from_slice(&key)
            .map(Some)
            .map_err(|_| invalid())
    }

    /// How many rows to fetch: one more than the page, to know whether another follows.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of the rows fetched. `key` tells where a row stands.
    pub fn page<T, K: Serialize>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>> {
        let limit = self.limit as usize;
        if rows.len() <= limit {
            return Ok(Page::last(rows));
        }
        rows.truncate(limit);
        let next_cursor = rows.last().map(|row| self.render(&key(row))).transpose()?;
        Ok(Page {
            items: rows,
            next_cursor,
        })
    }

    fn render(&self, key: &impl Serialize) -> Result<String> {
        let key = serde_json::to_vec(key).map_err(Error::internal)?;
        let sealed = self.ctx.app().keys.current().seal_cursor(&self.scope, &key);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }
}
