/** A worker that turns encoded images into pictures: gets {id, bytes, mime}, answers {id, picture} or {id, error}. */

self.addEventListener("message", async ({ data: { id, bytes, mime } }) => {
  try {
    const picture = await createImageBitmap(new Blob([bytes], { type: mime }));
    /** @type {any} */ (self).postMessage({ id, picture }, [picture]);
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
});
