// A classic script in <head> that sets the stored theme before the first paint. js/theme.js does the rest.
(() => {
  try {
    const theme = localStorage.getItem("mer.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme applies.
  }
})();
