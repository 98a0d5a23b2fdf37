/** A worker that decodes images. It receives {id, bytes, mime} and answers {id, image} or {id, error}. */

self.addEventListener("message", async ({ data: { id, bytes, mime } }) => {
  try {
    const image = await createImageBitmap(new Blob([bytes], { type: mime }));
    /** @type {any} */ (self).postMessage({ id, image }, [image]);
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
});
