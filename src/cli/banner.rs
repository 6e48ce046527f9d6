//! What `dev` says when it is ready: where to look, who to be, and three lines to paste.

use std::net::SocketAddr;

use platform::access::Role;

use crate::demo;

pub fn with_demo(address: SocketAddr) {
    let accounts: Vec<String> = Role::ALL
        .iter()
        .map(|role| role.as_str().to_owned())
        .collect();
    out!(
        "\nChartwell is running at http://{address}
  explorer   http://{address}/docs
  document   http://{address}/api/openapi.json

  tenants    {tenants}
  accounts   {{role}}@{{tenant}}.demo, where role is one of {roles}
  password   {password}

Log in, find a patient, see who opened the chart:

TOKEN=$(curl -s http://{address}/api/v1/auth/login -H 'content-type: application/json' -d '{{\"tenant\":\"riverside\",\"email\":\"admin@riverside.demo\",\"password\":\"{password}\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
PATIENT=$(curl -s \"http://{address}/api/v1/patients?family=s&limit=1\" -H \"authorization: Bearer $TOKEN\" | tee /dev/stderr | sed 's/^{{\"items\":\\[{{\"id\":\"\\([^\"]*\\)\".*/\\1/')
curl -s \"http://{address}/api/v1/patients/$PATIENT/access-log\" -H \"authorization: Bearer $TOKEN\"

Ctrl-C stops it.",
        tenants = demo::TENANTS.join(", "),
        roles = accounts.join(", "),
        password = demo::PASSWORD,
    );
}

pub fn without_demo(address: SocketAddr) {
    out!(
        "\nChartwell is running at http://{address}, without demo data
  explorer   http://{address}/docs
Make a tenant:  chartwell tenant create my-clinic --name \"My Clinic\" --admin me@example.org
Ctrl-C stops it."
    );
}
