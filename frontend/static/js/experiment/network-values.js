/** The values of an axis of networks, as text: `vgg_m | {"name": "vgg_m_spp", "placement": 1}`. Pure functions. */

/** @param {string} text @returns {string[]} values of an axis of networks; commas separate names, but not parts of JSON */
export function namesIn(text) {
  return text.split(text.includes("{") ? "|" : /[|,]/).map((value) => value.trim()).filter(Boolean);
}

/** @param {string} text @param {string} name @param {boolean} wanted @returns {string} the text with or without a name */
export function withName(text, name, wanted) {
  const others = namesIn(text).filter((value) => value !== name);
  return [...others, ...(wanted ? [name] : [])].join(" | ");
}
