// Sign-in, sign-up and sign-out. Passwords go from these forms straight to the API and never through the page's state.
"use strict";

(() => {
  const rules = {
    email: (v) => (/^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(v.trim()) ? "" : "This does not look like an e-mail address."),
    tenant_name: (v) => (v.trim() ? "" : "Write the name of your company or team."),
    password: (v, form) => {
      if (form.dataset.auth === "sign-in") return v ? "" : "Write your password.";
      return v.length >= 10 ? "" : `Use at least 10 characters; ${10 - v.length} more to go.`;
    },
  };

  const show = (input, message) => {
    const note = document.getElementById(`${input.id}-note`);
    input.setAttribute("aria-invalid", message ? "true" : "false");
    if (!note) return;
    note.textContent = message || note.dataset.hint || "";
    note.className = message ? "field-error" : "field-hint";
  };

  const inputs = (form) => [...form.querySelectorAll("input[name]")];
  const wrong = (input) => (rules[input.name] ? rules[input.name](input.value, input.form) : "");

  const banner = (form, message) => {
    const box = form.querySelector("[data-problem]");
    box.textContent = message;
    box.hidden = !message;
  };

  // only paths of our own: "//host" and "/\host" lead away
  const next = (fallback) => {
    const wanted = new URLSearchParams(location.search).get("next") || "";
    return /^\/(?![/\\])/.test(wanted) && !/^\/sign-(in|up)\b/.test(wanted) ? wanted : fallback;
  };

  // the page's state belongs to whoever was signed in before
  const forgetState = () => sessionStorage.removeItem("token");

  const post = (path, body) =>
    fetch(`/api/dashboard/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      body: body && JSON.stringify(body),
    });

  const problemOf = async (response) => {
    try {
      return await response.json();
    } catch {
      return {};
    }
  };

  const send = async (form) => {
    const button = form.querySelector("button[type=submit]");
    const label = button.textContent;
    button.disabled = true;
    button.textContent = button.dataset.busy;
    banner(form, "");
    let leaving = false;
    try {
      const values = Object.fromEntries(inputs(form).map((input) => [input.name, input.value]));
      const response = await post(form.dataset.auth, values);
      if (response.ok) {
        forgetState();
        leaving = true;
        location.assign(next(form.dataset.then));
        return;
      }
      const problem = await problemOf(response);
      let placed = false;
      for (const error of problem.errors || []) {
        const input = form.querySelector(`input[name="${CSS.escape(error.field)}"]`);
        if (input) {
          show(input, error.message);
          if (!placed) input.focus();
          placed = true;
        }
      }
      if (!placed) banner(form, problem.detail || "That did not work. Try again in a moment.");
    } catch {
      banner(form, "The server cannot be reached. Check your connection and try again.");
    } finally {
      if (!leaving) {
        button.disabled = false;
        button.textContent = label;
      }
    }
  };

  const formOf = (event) => event.target.closest?.("form[data-auth]");

  // delegated: the pages are drawn, and drawn again, by a framework
  document.addEventListener("input", (event) => {
    const form = formOf(event);
    if (!form || !event.target.name) return;
    banner(form, "");
    // do not complain about a field before it was left once
    if (event.target.dataset.left) show(event.target, wrong(event.target));
  });
  document.addEventListener("focusout", (event) => {
    const form = formOf(event);
    if (!form || !event.target.name || !event.target.value) return;
    event.target.dataset.left = "1";
    show(event.target, wrong(event.target));
  });
  document.addEventListener(
    "submit",
    (event) => {
      const form = formOf(event);
      if (!form) return;
      event.preventDefault();
      event.stopPropagation();
      let first = null;
      for (const input of inputs(form)) {
        input.dataset.left = "1";
        const message = wrong(input);
        show(input, message);
        if (message && !first) first = input;
      }
      if (first) first.focus();
      else send(form);
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest?.("[data-reveal]");
    if (!toggle) return;
    const input = document.getElementById(toggle.dataset.reveal);
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(hidden));
    toggle.textContent = hidden ? "Hide" : "Show";
  });

  window.dashboardSignOut = async () => {
    try {
      await post("sign-out");
    } finally {
      forgetState();
      location.assign("/sign-in");
    }
  };
})();
