// The header's one button: light or dark, until the page is left.
element.querySelector(".theme").addEventListener("click", () => document.body.classList.toggle("dark"));
