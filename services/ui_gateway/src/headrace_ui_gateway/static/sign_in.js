// Exchanges the token for a session and shows the requested page.

const form = document.getElementById("form");
const field = document.getElementById("token");
const error = document.getElementById("error");

// After a link from another site the browser does not send the cookie; a request from this page does.
if (!document.referrer.startsWith(location.origin)) {
  const known = await fetch("/api/v1/me");
  if (known.ok) location.replace(location.href);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.hidden = true;
  try {
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: field.value.trim() }),
    });
    if (answer.ok) {
      location.replace(location.href);  // requested from this page, so that the browser sends the cookie
      return;
    }
    const problem = await answer.json();
    showError(problem.detail);
  } catch {
    showError("Cannot reach Headrace; try again");
  }
});

function showError(text) {
  error.textContent = text[0].toUpperCase() + text.slice(1);
  error.hidden = false;
  field.select();
}
