//! Every statement binds the tenant of every table it reads or writes, in joins and subqueries too: the planner wants to hear
//! it there, and a join that forgets it would rest on row-level security alone.
//!
//! A table counts as bound when its `tenant_id` is compared with a parameter, or with that of a table that is bound. What is
//! read here is `.sqlx`, so the text PostgreSQL was given, cut into words; a block is what stands between two parentheses.

use std::collections::{BTreeMap, BTreeSet};

use platform::db::isolation::SHARED_TABLES;

/// Statements that work across tenants, by what only they contain.
const ACROSS_TENANTS: [(&str, &str); 2] = [
    // The sealer reads in the order of transactions, under a role of its own.
    ("xid >= $1", "app.phi_access_log app.audit_log"),
    // Which tenants have records or seals, for `audit verify`, under the same role.
    (
        "from app.phi_access_log order by tenant_id limit 1",
        "app.phi_access_log app.audit_log app.seals",
    ),
];

/// Words that follow a table and are not its alias.
const NO_ALIAS: [&str; 22] = [
    "where",
    "join",
    "left",
    "right",
    "full",
    "inner",
    "cross",
    "natural",
    "on",
    "using",
    "set",
    "order",
    "group",
    "having",
    "limit",
    "offset",
    "for",
    "union",
    "intersect",
    "except",
    "returning",
    "values",
];

#[test]
fn every_table_of_a_statement_binds_the_tenant() {
    let (mut statements, mut unbound) = (0, Vec::new());
    for entry in std::fs::read_dir(super::project(".sqlx"))
        .expect(".sqlx is committed")
        .flatten()
    {
        let text = std::fs::read_to_string(entry.path()).expect("readable");
        let query: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let sql = query["query"].as_str().expect("a statement");
        let found = Statement::of(sql);
        let across = ACROSS_TENANTS.iter().any(|(mark, tables)| {
            sql.contains(mark) && found.tables().all(|table| tables.contains(table))
        });
        statements += 1;
        if !across && !found.unbound().is_empty() {
            unbound.push(format!("{:?} in {sql}", found.unbound()));
        }
    }
    assert!(statements > 500, "only {statements}");
    assert!(unbound.is_empty(), "{unbound:#?}");
}

#[test]
fn a_table_that_is_not_bound_is_found() {
    for (sql, expected) in [
        ("select 1 from app.a where tenant_id = $1", &[][..]),
        ("select 1 from app.a where id = $1", &["a"]),
        ("select tenant_id from app.a where id = $1", &["a"]),
        (
            "select 1 from app.a x join app.b y on y.id = x.id where x.tenant_id = $1",
            &["y"],
        ),
        (
            "select 1 from app.a x join app.b y on y.tenant_id = x.tenant_id where x.id = $1",
            &["x", "y"],
        ),
        (
            "select 1 from app.a x join app.b y on y.tenant_id = x.tenant_id where x.tenant_id = $1",
            &[],
        ),
        (
            "select 1 from app.a join app.b using (tenant_id, id) where a.tenant_id = $1",
            &[],
        ),
        (
            "select 1 from app.a join app.b using (id) where a.tenant_id = $1",
            &["b"],
        ),
        (
            "select 1 from app.a x where (x.tenant_id, x.id) in (select * from unnest($1, $2))",
            &[],
        ),
        (
            "select 1 from app.a where tenant_id = $1 and exists (select from app.b where b.id = a.id)",
            &["b"],
        ),
        (
            "select 1 from app.a where tenant_id = $1 union select 1 from app.b",
            &["b"],
        ),
        (
            "insert into app.a (tenant_id, id) values ($1, $2) on conflict (tenant_id, id) do nothing",
            &[],
        ),
        ("insert into app.a (id) values ($1)", &["a"]),
        (
            "insert into app.a (tenant_id, id) select y.tenant_id, y.id from app.b y where y.id = $1",
            &["y"],
        ),
        (
            "update app.a as x set n = 1 -- where tenant_id = $1\n where id = $1",
            &["x"],
        ),
        ("delete from app.a where note = 'tenant_id = $1'", &["a"]),
        (
            "select app.tenant_id(), version from app.terminology_versions, app.ids($1)",
            &[],
        ),
        (
            "select 1 from pg_inherits where inhparent = 'app.audit_log'::regclass",
            &[],
        ),
        ("select relname from pg_class, app.patients", &["patients"]),
    ] {
        assert_eq!(Statement::of(sql).unbound(), expected, "{sql}");
    }
}

/// The name of a table in a block: its alias, or its own.
type Source = (usize, String);

struct Statement {
    words: Vec<String>,
    /// The block of each word.
    blocks: Vec<usize>,
    /// The block around each block.
    around: Vec<Option<usize>>,
    sources: BTreeMap<Source, String>,
    /// Tables written to without their tenant.
    written: Vec<String>,
}

impl Statement {
    fn of(sql: &str) -> Self {
        let words = words(sql);
        let (blocks, around) = blocks(&words);
        let mut statement = Self {
            words,
            blocks,
            around,
            sources: BTreeMap::new(),
            written: Vec::new(),
        };
        for at in 0..statement.words.len() {
            statement.note_table(at);
        }
        statement
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn before(&self, at: usize, steps: usize) -> &str {
        at.checked_sub(steps).map_or("", |at| self.word(at))
    }

    /// `app . table`: what is followed by a parenthesis is a function, by a dot a column.
    fn note_table(&mut self, at: usize) {
        let table = self.word(at + 2).to_owned();
        if self.word(at) != "app" || self.word(at + 1) != "." || SHARED_TABLES.contains(&&*table) {
            return;
        }
        if self.before(at, 1) == "into" {
            let open = (at + 3..self.words.len()).find(|at| self.word(*at) == "(");
            let named = open.is_some_and(|open| {
                self.words[open..self.close(open)]
                    .iter()
                    .any(|word| word == "tenant_id")
            });
            if !named {
                self.written.push(table);
            }
            return;
        }
        let next = match self.word(at + 3) {
            "(" | "." => return,
            "as" => self.word(at + 4),
            next => next,
        };
        let aliased = next.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !NO_ALIAS.contains(&next);
        let name = if aliased {
            next.to_owned()
        } else {
            table.clone()
        };
        self.sources.insert((self.blocks[at], name), table);
    }

    fn tables(&self) -> impl Iterator<Item = &str> {
        self.sources.values().map(String::as_str)
    }

    /// Where the parenthesis ends that opens here.
    fn close(&self, open: usize) -> usize {
        let inner = self.blocks[open + 1..]
            .iter()
            .position(|block| *block == self.blocks[open]);
        open + 1 + inner.unwrap_or(self.words.len() - open - 1)
    }

    /// The table that a name stands for: of this block, or of one around it.
    fn resolve(&self, at: usize, name: &str) -> Option<Source> {
        let mut block = Some(self.blocks[at]);
        while let Some(here) = block {
            let source = (here, name.to_owned());
            if self.sources.contains_key(&source) {
                return Some(source);
            }
            block = self.around[here];
        }
        None
    }

    /// Whose `tenant_id` stands here. Without a name it is that of the only table there.
    fn whose(&self, at: usize) -> Option<Source> {
        if self.before(at, 1) == "." {
            return self.resolve(at, self.before(at, 2));
        }
        let mut block = Some(self.blocks[at]);
        while let Some(here) = block {
            let mut of_block = self.sources.keys().filter(|(block, _)| *block == here);
            if let Some(first) = of_block.next() {
                return of_block.next().is_none().then(|| first.clone());
            }
            block = self.around[here];
        }
        None
    }

    /// The tables whose tenant is bound to nothing.
    fn unbound(&self) -> Vec<&str> {
        let (mut bound, mut equal) = (BTreeSet::new(), Vec::new());
        for at in 0..self.words.len() {
            if self.word(at) == "tenant_id" {
                self.weigh(at, &mut bound, &mut equal);
            }
        }
        while let Some((one, other)) = equal
            .iter()
            .find(|(one, other)| bound.contains(one) != bound.contains(other))
        {
            bound.extend([one.clone(), other.clone()]);
        }
        let read = self.sources.keys().filter(|source| !bound.contains(source));
        let written = self.written.iter().map(String::as_str);
        read.map(|(_, name)| name.as_str()).chain(written).collect()
    }

    /// What one mention of the column says: bound, or equal to another table's.
    fn weigh(&self, at: usize, bound: &mut BTreeSet<Source>, equal: &mut Vec<(Source, Source)>) {
        let start = if self.before(at, 1) == "." {
            at - 2
        } else {
            at
        };
        let opens = self.before(start, 1) == "(";
        if opens && self.before(start, 2) == "using" {
            let around = self.around[self.blocks[at]].unwrap_or_default();
            let joined: Vec<_> = self
                .sources
                .keys()
                .filter(|(block, _)| *block == around)
                .collect();
            equal.extend(
                joined
                    .windows(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone())),
            );
            return;
        }
        let whose = self.whose(at);
        if self.word(at + 1) == "=" {
            let other = (self.word(at + 3) == "." && self.word(at + 4) == "tenant_id")
                .then(|| self.resolve(at + 2, self.word(at + 2)))
                .flatten();
            match (whose, other) {
                (Some(one), Some(other)) => equal.push((one, other)),
                (one, other) => bound.extend(one.or(other)),
            }
            return;
        }
        let a_row = opens && self.word(at + 1) == "," && {
            let compares = |word: &str| word == "=" || word == "in";
            compares(self.before(start, 2)) || compares(self.word(self.close(start - 1) + 1))
        };
        let compared = self.before(start, 1) == "=" && self.before(start, 2) != "tenant_id";
        if a_row || compared || self.word(at + 1) == "in" {
            bound.extend(whose);
        }
    }
}

/// Names, numbers and signs, one each; without comments, and a text as a pair of quotes.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '\'' || first == '"' {
            rest[1..].find(first).map_or(rest.len(), |end| end + 2)
        } else if name(first) || first == '$' {
            1 + rest[1..].find(|c| !name(c)).unwrap_or(rest.len() - 1)
        } else {
            first.len_utf8()
        };
        match first {
            '\'' | '"' => words.push("''".to_owned()),
            _ if rest.starts_with("--") => {}
            _ => words.push(rest[..length].to_ascii_lowercase()),
        }
        rest = rest[length..].trim_start();
    }
    words
}

/// The block of each word, and the block around each. The parts of a union are blocks beside each other.
fn blocks(words: &[String]) -> (Vec<usize>, Vec<Option<usize>>) {
    let (mut around, mut open, mut blocks) = (vec![None], vec![0], Vec::new());
    for word in words {
        let here = *open.last().expect("parentheses are balanced");
        match word.as_str() {
            "(" => {
                blocks.push(here);
                open.push(around.len());
                around.push(Some(here));
                continue;
            }
            ")" => {
                open.pop();
            }
            "union" | "intersect" | "except" => {
                open.pop();
                open.push(around.len());
                around.push(around[here]);
            }
            _ => {}
        }
        blocks.push(*open.last().expect("parentheses are balanced"));
    }
    (blocks, around)
}
