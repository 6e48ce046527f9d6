"use strict";
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
history.replaceState(null, "", location.pathname);
if (!token) {
  form.hidden = true;
  status.textContent = "This link is incomplete. Ask for a new one.";
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.password.value !== form.again.value) {
    status.textContent = "The two passwords differ.";
    return;
  }
  const answer = await fetch("/api/v1/auth/set-password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, new_password: form.password.value }),
  });
  if (answer.ok) {
    form.hidden = true;
    status.textContent = "Your password is set. You can log in with it.";
    return;
  }
  const problem = await answer.json();
  const rule = problem.errors && problem.errors[0] ? "The password " + problem.errors[0].message + "." : problem.detail;
  status.textContent = rule;
});
