/** Lets everything that is due happen. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
