/** The motion filter on the graphics card (WebGL2): three passes; textures and buffers are created once per image size. */
import { BRIGHTER, DARKER, GROUND, LUMA, MAX_SIGMA, halfKernel } from "./pixel-filter.js";

/** @typedef {import("./pixel-filter.js").FilterSettings} FilterSettings */

const TAPS = 3 * MAX_SIGMA + 1;

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0); }`;

const HEAD = `#version 300 es
precision highp float;
precision highp sampler2D;`;

/** @param {readonly number[]} numbers @returns {string} */
const vec3 = (numbers) => `vec3(${numbers.map((n) => n.toFixed(6)).join(", ")})`;

// Rows run from the top in textures as in images; only the last pass, onto the canvas, flips them.
const DIFFERENCE = `${HEAD}
uniform sampler2D current, reference;
out vec4 change;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  vec3 delta = texelFetch(current, at, 0).rgb - texelFetch(reference, at, 0).rgb;
  change = vec4(dot(delta, ${vec3(LUMA)}));
}`;

const SMOOTH = `
uniform float kernel[${TAPS}];
uniform int radius;
float smoothed(sampler2D field, ivec2 at, ivec2 step) {
  ivec2 end = textureSize(field, 0) - 1;
  float sum = kernel[0] * texelFetch(field, at, 0).r;
  for (int i = 1; i <= radius; i++) {
    sum += kernel[i] * (texelFetch(field, max(at - i * step, ivec2(0)), 0).r + texelFetch(field, min(at + i * step, end), 0).r);
  }
  return sum;
}`;

const ACROSS = `${HEAD}
uniform sampler2D change;
${SMOOTH}
out vec4 result;
void main() { result = vec4(smoothed(change, ivec2(gl_FragCoord.xy), ivec2(1, 0))); }`;

const COMPOSE = `${HEAD}
uniform sampler2D current, change;
uniform float factor;
uniform bool heat;
${SMOOTH}
out vec4 colour;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  at.y = textureSize(current, 0).y - 1 - at.y;
  vec3 now = texelFetch(current, at, 0).rgb;
  float more = factor * smoothed(change, at, ivec2(0, 1));
  vec3 ground = vec3(${GROUND.dark.toFixed(6)} + ${GROUND.contrast.toFixed(6)} * dot(now, ${vec3(LUMA)}));
  vec3 pole = more < 0.0 ? ${vec3(DARKER)} : ${vec3(BRIGHTER)};
  colour = vec4(heat ? mix(ground, pole, min(abs(more), 1.0)) : clamp(now + more, 0.0, 1.0), 1.0);
}`;

/** @param {WebGL2RenderingContext} gl @param {string} fragment @returns {{program: WebGLProgram, locate: (name: string) => WebGLUniformLocation | null}} */
function link(gl, fragment) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`The motion filter's shader does not link: ${gl.getProgramInfoLog(program)}`);
  /** @type {Map<string, WebGLUniformLocation | null>} */
  const locations = new Map();
  return {
    program,
    locate(name) {
      if (!locations.has(name)) locations.set(name, gl.getUniformLocation(program, name));
      return locations.get(name) ?? null;
    },
  };
}

/** @param {WebGL2RenderingContext} gl @returns {boolean} whether WebGL runs on the CPU; failIfMajorPerformanceCaveat does not reveal it in all browsers */
function inSoftware(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(renderer));
}

export class WebGlEngine {
  name = "webgl2";
  #gl;
  #passes;
  #textures;
  #change;
  #across;
  #width;
  #height;

  /**
   * @param {number} width @param {number} height px
   * @param {boolean} software whether to accept WebGL without a graphics card, which is slower than plain loops
   * @throws {Error} if WebGL2 or float targets are missing
   */
  constructor(width, height, software) {
    this.canvas = new OffscreenCanvas(width, height);
    const gl = this.canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, powerPreference: "high-performance" });
    if (!gl) throw new Error("This browser has no WebGL2.");
    if (!gl.getExtension("EXT_color_buffer_float") && !gl.getExtension("EXT_color_buffer_half_float")) throw new Error("WebGL2 cannot draw into float textures in this browser.");
    if (!software && inSoftware(gl)) throw new Error("WebGL2 runs without a graphics card in this browser.");
    this.#gl = gl;
    this.#width = width;
    this.#height = height;
    this.#passes = { difference: link(gl, DIFFERENCE), across: link(gl, ACROSS), compose: link(gl, COMPOSE) };
    this.#textures = { current: this.#texture(gl.RGBA8), reference: this.#texture(gl.RGBA8) };
    this.#change = this.#target();
    this.#across = this.#target();
    gl.viewport(0, 0, width, height);
  }

  get lost() {
    return this.#gl.isContextLost();
  }

  /** @param {CanvasImageSource & TexImageSource} image of the size given @param {"current" | "reference"} [role] */
  take(image, role = "current") {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#textures[role]);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, gl.RGBA, gl.UNSIGNED_BYTE, image);
  }

  /** @param {CanvasImageSource & TexImageSource} current @param {FilterSettings} settings @returns {OffscreenCanvas} the result; overwritten by the next call */
  draw(current, { mode, factor, smoothing }) {
    const gl = this.#gl;
    const kernel = halfKernel(smoothing);
    this.take(current);
    this.#pass(this.#passes.difference, this.#change.frame, { current: this.#textures.current, reference: this.#textures.reference });
    let change = this.#change;
    if (kernel.length > 1) {
      this.#pass(this.#passes.across, this.#across.frame, { change: change.texture }, kernel);
      change = this.#across;
    }
    gl.useProgram(this.#passes.compose.program);
    gl.uniform1f(this.#passes.compose.locate("factor"), factor);
    gl.uniform1i(this.#passes.compose.locate("heat"), mode === "difference" ? 1 : 0);
    this.#pass(this.#passes.compose, null, { current: this.#textures.current, change: change.texture }, kernel);
    return this.canvas;
  }

  close() {
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** @param {ReturnType<typeof link>} pass @param {WebGLFramebuffer | null} target @param {Record<string, WebGLTexture>} inputs @param {Float32Array} [kernel] */
  #pass({ program, locate }, target, inputs, kernel) {
    const gl = this.#gl;
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    Object.entries(inputs).forEach(([name, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.uniform1i(locate(name), unit);
    });
    if (kernel) {
      gl.uniform1fv(locate("kernel[0]"), kernel);
      gl.uniform1i(locate("radius"), kernel.length - 1);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.activeTexture(gl.TEXTURE0);
  }

  /** @param {number} format @returns {WebGLTexture} */
  #texture(format) {
    const gl = this.#gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, format, this.#width, this.#height);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    return texture;
  }

  /** @returns {{texture: WebGLTexture, frame: WebGLFramebuffer}} half floats: a signed change, precise to 1/2000 */
  #target() {
    const gl = this.#gl;
    const texture = this.#texture(gl.R16F);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) throw new Error("WebGL2 cannot draw into half-float textures in this browser.");
    return { texture, frame };
  }
}
