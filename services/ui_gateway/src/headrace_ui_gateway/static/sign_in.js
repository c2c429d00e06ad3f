// Hands the token in and shows the page that was asked for.

const form = document.getElementById("form");
const field = document.getElementById("token");
const error = document.getElementById("error");

// After a link from another site the browser keeps the cookie back; asked from here it sends it.
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
      location.replace(location.href);  // asked from here, so that the cookie goes along
      return;
    }
    const problem = await answer.json();
    tell(problem.detail);
  } catch {
    tell("Headrace cannot be reached; try again");
  }
});

function tell(text) {
  error.textContent = text[0].toUpperCase() + text.slice(1);
  error.hidden = false;
  field.select();
}
