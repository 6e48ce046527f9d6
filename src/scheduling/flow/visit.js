"use strict";
const token = location.hash.slice(1);
const door = { apt: "appointment-links", off: "offer-links" }[token.split("_")[0]];
const address = "/api/v1/" + door + "/" + encodeURIComponent(token);
const status = document.querySelector("[role=status]");
const actions = document.querySelector("[data-actions]");
const words = {
  confirm: ["Yes, I will come", "Thank you. Your appointment is confirmed."],
  cancel: ["Cancel the appointment", "Your appointment is cancelled."],
  accept: ["Yes, I take it", "The appointment is yours."],
  decline: ["No, thank you", "Thank you for telling us."],
};

const put = (name, text) => { document.querySelector("[data-" + name + "]").textContent = text; };

// Wall clock time of the place, whatever the clock of the reader says.
const wall = (local) =>
  new Date(local + "Z").toLocaleString(undefined, { dateStyle: "full", timeStyle: "short", timeZone: "UTC" });

const away = "The server can't be reached. Please try again.";

async function answer(action) {
  actions.hidden = true;
  status.textContent = "";
  try {
    const sent = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action }),
    });
    status.textContent = sent.ok ? words[action][1] : (await sent.json()).detail;
    actions.hidden = sent.ok;
  } catch {
    status.textContent = away;
    actions.hidden = false;
  }
}

async function show() {
  const found = door ? await fetch(address) : { status: 404 };
  if (!found.ok) {
    status.textContent = found.status === 404 ? "This link is no longer good. Please call us." : away;
    return;
  }
  const visit = await found.json();
  put("when", wall(visit.local_start) + " (" + visit.time_zone.replaceAll("_", " ") + ")");
  put("where", [visit.facility, ...visit.address, visit.phone].filter(Boolean).join(", "));
  if (visit.local_deadline) put("until", "Please answer by " + wall(visit.local_deadline) + ".");
  for (const action of visit.actions) {
    const button = document.createElement("button");
    button.textContent = words[action][0];
    button.addEventListener("click", () => answer(action));
    actions.append(button, " ");
  }
  if (visit.actions.length === 0) status.textContent = "Nothing is left to answer.";
}

addEventListener("hashchange", () => location.reload());
show().catch(() => { status.textContent = away; });
