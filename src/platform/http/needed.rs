//! What each operation needs, known before its body is read.
//!
//! The permission stands in the service, next to the work, and there `ctx.begin` enforces it. The document repeats it, and
//! from the document comes this table: so that a caller who may not do a thing is told that, on record, and not first what
//! is wrong with his body, his query or his headers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::Method;
use serde_json::Value;

use crate::access::Permission;

/// Permissions by route template and method. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Needed(Arc<HashMap<String, Vec<(Method, Need)>>>);

/// What one operation needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub permission: Permission,
    /// Whether it takes parameters in the query: then its handler reads them, and refuses others.
    pub takes_query: bool,
}

impl Needed {
    /// Reads the table from the API document.
    pub fn from_document(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let table = paths.map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            let needed = methods.filter_map(|(method, operation)| {
                let permission = Permission::from_text(operation["x-permission"].as_str()?)?;
                let mut parameters = operation["parameters"].as_array().into_iter().flatten();
                let need = Need {
                    permission,
                    takes_query: parameters.any(|one| one["in"] == "query"),
                };
                Some((method.to_uppercase().parse().ok()?, need))
            });
            (path.clone(), needed.collect())
        });
        Self(Arc::new(table.collect()))
    }

    /// What the operation needs; nothing is known of one that is public.
    pub(crate) fn by(&self, route: &str, method: &Method) -> Option<Need> {
        // HEAD is a GET whose answer nobody looks at.
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let methods = self.0.get(route)?;
        let (_, need) = methods.iter().find(|(name, _)| name == method)?;
        Some(*need)
    }
}
