//! People of the made-up tenants, logged in, and what they ask for.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{self, Client};
use super::load::{NextRequest, Random};
use super::seed::{PASSWORD, Plan};
use super::server::Server;

/// Whose eyes a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees every patient of his tenant.
    Admin,
    /// Sees the patients on his care team.
    Provider,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Provider => "provider",
        }
    }
}

/// One person of each tenant, with their access tokens.
pub struct People {
    plan: Plan,
    role: Role,
    tokens: Arc<[String]>,
}

impl People {
    /// Logs in as everybody does: with a password.
    pub async fn log_in(server: &Server, plan: Plan, role: Role) -> anyhow::Result<Self> {
        let mut client = Client::connect(server.address).await?;
        let mut tokens = Vec::new();
        for tenant in 0..plan.tenants {
            let credentials = json!({
                "tenant": format!("tenant-{tenant}"),
                "email": format!("{}@bench.example", role.as_str()),
                "password": PASSWORD,
            });
            let answer = client
                .exchange(&client::post("/api/v1/auth/login", &credentials))
                .await?;
            ensure!(
                answer.status == 200,
                "login: {} {}",
                answer.status,
                String::from_utf8_lossy(answer.body)
            );
            let body: Value = serde_json::from_slice(answer.body)?;
            tokens.push(
                body["access_token"]
                    .as_str()
                    .context("no access_token in the login's answer")?
                    .to_owned(),
            );
        }
        Ok(Self {
            plan,
            role,
            tokens: tokens.into(),
        })
    }

    /// Of this tenant.
    pub fn token(&self, tenant: u32) -> &str {
        &self.tokens[tenant as usize]
    }

    /// Patients each of them sees.
    fn sees(&self) -> u32 {
        match self.role {
            Role::Admin => self.plan.per_tenant,
            Role::Provider => self.plan.team(),
        }
    }

    /// The chart of any patient they see.
    pub fn read_patients(&self) -> NextRequest {
        let (plan, sees) = (self.plan, self.sees());
        self.get_one("/api/v1/patients/", move |random, tenant| {
            plan.patient(tenant, random.below(sees))
        })
    }

    /// Any visit of any patient they see.
    pub fn read_encounters(&self) -> NextRequest {
        let (plan, sees) = (self.plan, self.sees());
        self.get_one("/api/v1/encounters/", move |random, tenant| {
            plan.encounter(tenant, random.below(sees), random.below(10))
        })
    }

    /// One of these paths, each asked by a person of any tenant.
    pub fn read_paths(&self, paths: &[String]) -> NextRequest {
        let paths: Arc<[String]> = paths.into();
        self.get_any(move |random, _, request| {
            request.extend_from_slice(random.choose(&paths).as_bytes());
        })
    }

    fn get_one(
        &self,
        before: &'static str,
        id: impl Fn(&mut Random, u32) -> Uuid + Send + Sync + 'static,
    ) -> NextRequest {
        self.get_any(move |random, tenant, request| {
            request.extend_from_slice(before.as_bytes());
            let mut text = Uuid::encode_buffer();
            request.extend_from_slice(
                id(random, tenant)
                    .hyphenated()
                    .encode_lower(&mut text)
                    .as_bytes(),
            );
        })
    }

    /// The bytes around the path are made once a person.
    fn get_any(
        &self,
        path: impl Fn(&mut Random, u32, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> NextRequest {
        let tenants = self.plan.tenants;
        let rest: Vec<Vec<u8>> = self
            .tokens
            .iter()
            .map(|token| client::get("", token).split_off("GET ".len()))
            .collect();
        Arc::new(move |random, request| {
            let tenant = random.below(tenants);
            request.extend_from_slice(b"GET ");
            path(random, tenant, request);
            request.extend_from_slice(&rest[tenant as usize]);
        })
    }
}
