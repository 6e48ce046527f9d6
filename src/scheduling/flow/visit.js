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

const told = (visit) => {
  if (visit.moved_to) return "This appointment was moved from " + wall(visit.local_start) + " to the time above. If you can't come, please call us.";
  const next = visit.another ? "You have another appointment with us. If you are not sure when, please call us." : "If you need another, please call us.";
  if (visit.status === "cancelled") return "This appointment was cancelled. " + next;
  if (visit.status === "no_show") return "This appointment did not take place. " + next;
  if (["scheduled", "confirmed"].includes(visit.status) && !visit.actions.includes("cancel"))
    return "It is too late to cancel here. If you can't come, please call us.";
  return visit.actions.length === 0 ? "Nothing is left to answer." : "";
};

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
  const place = visit.moved_to || visit;
  put("when", wall(place.local_start) + " (" + place.time_zone.replaceAll("_", " ") + ")");
  put("where", [place.facility, ...place.address, place.phone].filter(Boolean).join(", "));
  if (visit.local_deadline) put("until", "Please answer by " + wall(visit.local_deadline) + ".");
  for (const action of visit.actions) {
    const button = document.createElement("button");
    button.textContent = words[action][0];
    button.addEventListener("click", () => answer(action));
    actions.append(button, " ");
  }
  status.textContent = told(visit);
}

addEventListener("hashchange", () => location.reload());
show().catch(() => { status.textContent = away; });
