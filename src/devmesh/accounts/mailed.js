"use strict";
const told = document.getElementById("told");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
// Out of the address bar and the history, so that nobody reads it there.
history.replaceState(null, "", location.pathname);
// A link pasted into this very tab changes only what stands after the #: begin anew with it.
addEventListener("hashchange", () => location.reload());

async function post(path, body, bearer) {
  const headers = { "Content-Type": "application/json" };
  if (bearer) headers.Authorization = "Bearer " + bearer;
  const reply = await fetch("/api/v1" + path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    credentials: "omit",
  });
  return { ok: reply.ok, said: await reply.json() };
}

// Has the form send what body() returns, one request at a time; answered() gets what came back.
function sends(form, path, body, answered, bearer = () => null) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      answered(await post(path, body(), bearer()));
    } catch {
      told.textContent = "The server could not be reached. Try again in a moment.";
    }
    button.disabled = false;
  });
}

// What happened and, if it was refused, what to do next.
const words = ({ message, detail, hint }) => message ?? `${detail} ${hint}`;

// Tells what was answered, every fault of it, and leads to the first field that has one.
function tell(said) {
  const faults = said.errors ?? [];
  told.textContent = faults.length ? "That is not accepted yet:" : words(said);
  const items = faults.map(({ field, message }) => {
    const item = document.createElement("li");
    item.textContent = `${field.replaceAll("_", " ")}: ${message}`;
    return item;
  });
  document.getElementById("faults").replaceChildren(...items);
  if (faults.length) document.getElementById(faults[0].field)?.focus();
}

// Lets the person see what is typed.
function shows(box, field) {
  box.addEventListener("change", () => { field.type = box.checked ? "text" : "password"; });
}
