"use strict";

/* Logarithms are natural, information is in nats. A law is {string, logProb}: indices of strings, and log q of each.
   What compute() returns is named as in the JSON of `probqual exact`. */

// Numbers that agree to this relative precision are taken as equal: ties, and probabilities on a threshold.
const CLOSE = 1e-12;

// --- sums ----------------------------------------------------------------------------------------------------------

const sum = (values) => values.reduce((total, value) => total + value, 0);

const dot = (one, other) => one.reduce((total, value, i) => total + value * other[i], 0);

const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);

const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

const range = (count) => Array.from({ length: count }, (_, i) => i);

function logSumExp(values) {
  const peak = largest(values);
  return peak + Math.log(values.reduce((total, value) => total + Math.exp(value - peak), 0));
}

function logAddExp(one, other) {
  const high = Math.max(one, other);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(one, other) - high));
}

/** The argument and value of the last call are kept: the same model is asked again while one slider moves. */
function remember(compute) {
  let key = [];
  let value;
  return (...given) => {
    if (given.length !== key.length || given.some((x, i) => x !== key[i])) [key, value] = [given, compute(...given)];
    return value;
  };
}

// --- models --------------------------------------------------------------------------------------------------------

/** The prefixes of a model: their parents, children and strings, the node of each string, and where they branch. */
function planted(model) {
  const count = model.prior.length;
  const isTable = !model.parent;
  const parent = isTable ? [-1, ...range(count).map(() => 0)] : model.parent;
  const node = isTable ? range(count).map((y) => y + 1) : model.node;
  const children = parent.map(() => []);
  parent.forEach((above, prefix) => prefix > 0 && children[above].push(prefix));
  const ending = parent.map(() => -1);
  node.forEach((prefix, y) => { ending[prefix] = y; });
  const choices = children.map((list, prefix) => list.length + (ending[prefix] >= 0 ? 1 : 0));
  const branching = range(parent.length).filter((prefix) => choices[prefix] > 1);
  return { ...model, isTable, parent, node, children, ending, branching, widest: largest(choices) };
}

/** p+ = p e^{r / beta} / Z, with the mass of every prefix. */
const align = remember((model, beta) => {
  const logPrior = model.prior.map(Math.log);
  const reward = model.reward.map((r) => r / beta);
  const logWeight = logPrior.map((l, y) => l + reward[y]);
  const logPartition = logSumExp(logWeight);
  const surprisal = logWeight.map((w) => logPartition - w);
  const logPrefix = model.parent.map(() => -Infinity);
  model.node.forEach((prefix, y) => { logPrefix[prefix] = -surprisal[y]; });
  for (let prefix = model.parent.length - 1; prefix > 0; prefix -= 1) {
    const above = model.parent[prefix];
    logPrefix[above] = logAddExp(logPrefix[above], logPrefix[prefix]);
  }
  const next = model.branching.map((prefix) => continuations(model, logPrefix, surprisal, prefix));
  return { model, logPrior, reward, surprisal, logPartition, next };
});

/** log p+(. | prefix) of what may follow: the children in the order of tokens, and last the end of the string. */
function continuations({ children, ending }, logPrefix, surprisal, prefix) {
  const logMass = children[prefix].map((child) => logPrefix[child]);
  if (ending[prefix] >= 0) logMass.push(-surprisal[ending[prefix]]);
  return logMass.map((m) => m - logPrefix[prefix]);
}

// --- sampling adaptors ---------------------------------------------------------------------------------------------

/** Places by falling weight; equal weights by place. */
function descending(logMass) {
  const order = range(logMass.length).sort((i, j) => logMass[j] - logMass[i]);
  const sorted = [];
  for (let start = 0; start < order.length;) {
    let stop = start + 1;
    while (stop < order.length && logMass[order[stop - 1]] - logMass[order[stop]] < CLOSE) stop += 1;
    sorted.push(...order.slice(start, stop).sort((i, j) => i - j));
    start = stop;
  }
  return sorted;
}

/** How many of the tokens are kept, given their weights by falling probability. */
const topK = (k) => (weights) => Math.min(k, weights.length);

const nucleus = (mass) => (weights) => {
  const enough = mass * sum(weights) * (1 - CLOSE);
  let reached = 0;
  const last = weights.findIndex((weight) => (reached += weight) >= enough);
  return last < 0 ? weights.length : last + 1;
};

/** Where prefixes branch, which places a truncation keeps: the children in order, and last the end. */
const decide = (aligned, howMany) => aligned.next.map((logProb) => {
  const order = descending(logProb);
  const kept = order.slice(0, howMany(order.map((i) => Math.exp(logProb[i]))));
  return logProb.map((_, i) => kept.includes(i));
});

const everything = (aligned) => aligned.next.map((logProb) => logProb.map(() => true));

/** The strings all of whose steps are kept. */
function keptStrings({ parent, children, ending, branching, node }, kept) {
  const edge = parent.map(() => true);
  const end = ending.map((y) => y >= 0);
  branching.forEach((prefix, i) => {
    children[prefix].forEach((child, place) => { edge[child] = kept[i][place]; });
    if (end[prefix]) end[prefix] = kept[i].at(-1);
  });
  for (let prefix = 1; prefix < edge.length; prefix += 1) edge[prefix] &&= edge[parent[prefix]];
  return range(node.length).filter((y) => edge[node[y]] && end[node[y]]);
}

/** q_glob = prod w_t / C: p+ to the given power on these strings, normalised once. */
function globalLaw(aligned, string, power) {
  const logWeight = string.map((y) => -power * aligned.surprisal[y]);
  const logTotal = logSumExp(logWeight);
  return { string, logProb: logWeight.map((w) => w - logTotal) };
}

/** q_loc = prod w_t / c_t, c_t the sum of the weights at step t: 1 where a prefix does not branch. */
function localLaw(aligned, string, power, kept) {
  const { parent, node, branching } = aligned.model;
  const logPath = parent.map(() => 0);
  branching.forEach((prefix, i) => {
    logPath[prefix] = logSumExp(aligned.next[i].filter((_, place) => kept[i][place]).map((l) => power * l));
  });
  for (let prefix = 1; prefix < logPath.length; prefix += 1) logPath[prefix] += logPath[parent[prefix]];
  return { string, logProb: string.map((y) => -power * aligned.surprisal[y] - logPath[node[y]]) };
}

const everyString = (model) => range(model.prior.length);

/** The laws that an adaptor makes of p+: local and global, or one of a table, whose strings are single tokens. */
function adapted(aligned, adaptor, kept, power) {
  const string = keptStrings(aligned.model, kept);
  const ofWhole = { adaptor, normalise: aligned.model.isTable ? "" : "global", ...globalLaw(aligned, string, power) };
  if (aligned.model.isTable) return [ofWhole];
  return [ofWhole, { adaptor, normalise: "local", ...localLaw(aligned, string, power, kept) }];
}

// --- moments -------------------------------------------------------------------------------------------------------

const isConstant = (values) => largest(values) - least(values) <= CLOSE * Math.max(1, Math.abs(largest(values)));

/** Mean, and deviations from it. Measured from the most probable string, so that a narrow law loses no digits. */
function centred(prob, values) {
  const mode = prob.reduce((best, q, i) => (q > prob[best] ? i : best), 0);
  const fromMode = values.map((value) => value - values[mode]);
  const shift = dot(prob, fromMode);
  return { mean: values[mode] + shift, from: fromMode.map((value) => value - shift) };
}

/** Moments of (L, R, I) under a law; b_q = Cov_q(L, I) / Var_q(I), which does not exist where I is constant. */
function moments(aligned, { string, logProb }) {
  const prob = logProb.map(Math.exp);
  const values = [aligned.logPrior, aligned.reward, aligned.surprisal].map((all) => string.map((y) => all[y]));
  const [l, r, i] = values.map((v) => centred(prob, v));
  const [flatL, flatR, flatI] = values.map(isConstant);
  const covariance = (one, other) => prob.reduce((total, q, y) => total + q * one.from[y] * other.from[y], 0);
  const [varL, varR, varI, cov] = [covariance(l, l), covariance(r, r), covariance(i, i), covariance(l, r)];
  return {
    mean_log_prior: l.mean,
    mean_reward: r.mean,
    entropy: -dot(prob, logProb),
    kl_to_aligned: prob.reduce((total, q, y) => total + q * (logProb[y] + values[2][y]), 0),
    var_log_prior: varL,
    var_reward: varR,
    varentropy: varI,
    cov,
    corr: flatL || flatR ? null : cov / Math.sqrt(varL * varR),
    exchange_coefficient: flatI ? null : covariance(l, i) / varI,
    residual: flatI ? varL : residual(prob, l.from, i.from, covariance(l, i) / varI),
    strings: string.length,
  };
}

/** u = Var(L - b I), as a sum of squares. */
const residual = (prob, fromL, fromI, b) => prob.reduce((total, q, y) => total + q * (fromL[y] - b * fromI[y]) ** 2, 0);

// --- corpora -------------------------------------------------------------------------------------------------------

/** sum over n >= 1 of a^{2n} / (2n + 1)!!: positive terms, so that nothing cancels. */
function oddFactorialTail(a) {
  let [term, total] = [1, 0];
  for (let n = 1; term > total * 1e-18; n += 1) {
    term *= (a * a) / (2 * n + 1);
    total += term;
  }
  return total;
}

/** erf(x) = (2 / sqrt pi) x e^{-x^2} (1 + tail(sqrt(2) x)); Abramowitz and Stegun 7.1.6. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  return (2 / Math.sqrt(Math.PI)) * x * Math.exp(-x * x) * (1 + oddFactorialTail(Math.SQRT2 * x));
}

/** Variance of a centred normal given |x| < c: V (1 - 2 a phi(a) / (2 Phi(a) - 1)), a = c / sqrt V. */
function truncatedNormalVariance(variance, halfWidth) {
  const a = halfWidth / Math.sqrt(variance);
  if (a < 8) {
    const tail = oddFactorialTail(a); // 2 a phi(a) / (2 Phi(a) - 1) = 1 / (1 + tail)
    return (variance * tail) / (1 + tail);
  }
  return variance * (1 - (2 * a * Math.exp((-a * a) / 2)) / Math.sqrt(2 * Math.PI) / erf(a / Math.SQRT2));
}

/** Corpora of N strings from p+, given that they are typical: a normal I truncated to (-c, c), c = eps sqrt N. */
function typicalLimit(mean, size, epsilon) {
  const { varentropy, exchange_coefficient: b, residual: u } = mean;
  if (b === null || mean.corr === null) return null;
  const v = truncatedNormalVariance(varentropy, epsilon * Math.sqrt(size));
  const [varL, varR, cov] = [b * b * v + u, (1 + b) ** 2 * v + u, -b * (1 + b) * v - u];
  return varL * varR > 0 ? { corr: cov / Math.sqrt(varL * varR), slope: cov / varL } : null;
}

function corpusNumbers(mean, logPartition, size, epsilon) {
  const typical = typicalLimit(mean, size, epsilon);
  const centre = logPartition - mean.entropy;
  return {
    band_low: centre - epsilon,
    band_high: centre + epsilon,
    chebyshev_bound: mean.varentropy / (size * epsilon * epsilon),
    typical_probability_limit: mean.varentropy > 0 ? erf(epsilon * Math.sqrt(size / mean.varentropy / 2)) : 1,
    corr: mean.corr,
    conditional_corr_limit: typical && typical.corr,
    conditional_slope_limit: typical && typical.slope,
  };
}

// --- the plane -----------------------------------------------------------------------------------------------------

/** The strings at the corners of the convex hull of the (L, R), counter-clockwise (Andrew 1979). */
function hull(aligned) {
  const [x, y] = [aligned.logPrior, aligned.reward];
  const order = everyString(aligned.model).sort((i, j) => x[i] - x[j] || y[i] - y[j]);
  const scale = (x[order.at(-1)] - x[order[0]]) * (largest(y) - least(y));
  const left = (a, b, c) => (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a]) > CLOSE * scale;
  const chain = (strings) => strings.reduce((found, c) => {
    while (found.length > 1 && !left(found.at(-2), found.at(-1), c)) found.pop();
    return [...found, c];
  }, []);
  return [...chain(order).slice(0, -1), ...chain(order.reverse()).slice(0, -1)];
}

const point = (aligned, law) => {
  const prob = law.logProb.map(Math.exp);
  return [aligned.logPrior, aligned.reward].map((values) => dot(prob, law.string.map((y) => values[y])));
};

const PATH_TEMPERATURES = range(61).map((i) => 10 ** ((i - 30) / 30));
const PATH_POWERS = range(41).map((i) => i / 20);

/** Where temperature leads from p+ (T from 0.1 to 10), and the beta path q prop. p e^{tR} (t from 0 at p to 2). */
const paths = remember((aligned) => {
  const { model, logPrior, reward } = aligned;
  const [string, kept] = [everyString(model), everything(aligned)];
  const tilted = (t) => {
    const logWeight = logPrior.map((l, y) => l + t * reward[y]);
    const logTotal = logSumExp(logWeight);
    return { string, logProb: logWeight.map((w) => w - logTotal) };
  };
  return {
    global: PATH_TEMPERATURES.map((t) => point(aligned, globalLaw(aligned, string, 1 / t))),
    local: model.isTable ? null : PATH_TEMPERATURES.map((t) => point(aligned, localLaw(aligned, string, 1 / t, kept))),
    beta: PATH_POWERS.map((t) => point(aligned, tilted(t))),
  };
});

const rememberedHull = remember(hull);

// --- everything that is shown --------------------------------------------------------------------------------------

/** -1, 0 or 1; 0 where the change is rounding. */
const direction = (change, from) => (Math.abs(change) <= CLOSE * Math.max(1, Math.abs(from)) ? 0 : Math.sign(change));

/** How E L and E R move from p+ to a law; they are traded where one rises and the other falls. */
function against(start, law) {
  const [l, r] = ["mean_log_prior", "mean_reward"].map((key) => direction(law[key] - start[key], start[key]));
  return { log_prior: l, reward: r, trades_off: l * r < 0 };
}

/** Along global temperature dE L / dtau = -b V and dE R / dtau = (1 + b) V: opposite signs iff b is outside [-1, 0]. */
function verdict({ exchange_coefficient: b }) {
  if (b === null) return { trades_off: false, log_prior: 0, reward: 0 };
  const [l, r] = [direction(-b, 1), direction(1 + b, 1)];
  return { trades_off: l * r < 0, log_prior: l, reward: r };
}

/**
 * Every number on the page.
 * @param model  p, r and the tree, as planted() returns them
 * @param settings  beta > 0; temperature > 0; top_k, a whole number >= 1; nucleus in (0, 1]; size, N >= 1;
 *   epsilon > 0, nats
 */
function compute(model, settings) {
  const aligned = align(model, settings.beta);
  const all = everything(aligned);
  const start = { adaptor: "aligned", normalise: "", ...globalLaw(aligned, everyString(model), 1) };
  const prior = { adaptor: "prior", normalise: "", string: start.string, logProb: aligned.logPrior };
  const made = [
    prior,
    start,
    ...adapted(aligned, "temperature", all, 1 / settings.temperature),
    ...adapted(aligned, "top_k", decide(aligned, topK(settings.top_k)), 1),
    ...adapted(aligned, "nucleus", decide(aligned, nucleus(settings.nucleus)), 1),
  ];
  const mean = moments(aligned, start);
  const laws = made.map((law) => {
    const found = moments(aligned, law);
    return { adaptor: law.adaptor, normalise: law.normalise, ...found, against: against(mean, found) };
  });
  const b = mean.exchange_coefficient;
  return {
    settings,
    model: { key: model.key, names: model.names, is_table: model.isTable, strings: model.prior.length },
    aligned: { log_partition: aligned.logPartition, ...mean, slope: b ? -(1 + b) / b : null },
    verdict: verdict(mean),
    corpus: corpusNumbers(mean, aligned.logPartition, settings.size, settings.epsilon),
    laws,
    strings: { log_prior: aligned.logPrior, reward: aligned.reward, prob: aligned.surprisal.map((i) => Math.exp(-i)) },
    hull: rememberedHull(aligned),
    paths: paths(aligned),
  };
}

// --- text ----------------------------------------------------------------------------------------------------------

/** A number as the page shows it: four decimals, or all digits that a reader may compare. */
function shown(value, allDigits) {
  if (value === null) return "–";
  if (allDigits) return String(value);
  const size = Math.abs(value) < CLOSE ? 0 : Math.abs(value);
  const text = size !== 0 && (size < 5e-4 || size >= 1e6) ? scientific(value) : value.toFixed(4);
  return text.replace("-", "−").replace(/^−(0\.0+)$/, "$1");
}

function scientific(value) {
  const [digits, exponent] = value.toExponential(2).split("e");
  const raised = [...exponent.replace("+", "")].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${digits}·10${raised.join("")}`;
}

const NAMES = {
  prior: "<i>p</i>, the prior",
  aligned: "<i>p</i><sub>+</sub>, the aligned law",
  temperature: "temperature",
  top_k: "top-<i>k</i>",
  nucleus: "nucleus",
};

const COOLING = { "-1": "lowers", 0: "leaves alone", 1: "raises" };

const MOVES = { "-1": "falls", 0: "stays", 1: "rises" };

function againstText({ log_prior: l, reward: r, trades_off: trades }) {
  if (l === 0 && r === 0) return "no change";
  if (l === r) return l > 0 ? "both rise" : "both fall";
  return `<i>L</i> ${MOVES[l]}, <i>R</i> ${MOVES[r]}${trades ? ": <b>trades off</b>" : ""}`;
}

function sentences({ aligned, laws, settings, verdict: found }) {
  const [b, head] = [aligned.exchange_coefficient, found.trades_off ? "Trades off" : "Does not trade off"];
  if (b === null) return [`<b>${head}</b> at <i>p</i><sub>+</sub>: it is uniform, and temperature leaves it alone.`];
  const cooling = found.log_prior === found.reward ? "raises both E <i>L</i> and E <i>R</i>"
    : `${COOLING[found.log_prior]} E <i>L</i> and ${COOLING[found.reward]} E <i>R</i>`;
  const gap = Math.abs(aligned.var_log_prior - aligned.var_reward);
  const moved = laws.filter((law) => law.adaptor === "temperature")
    .map((law) => [law.normalise, againstText(law.against)]);
  const same = moved.every(([, text]) => text === moved[0][1]);
  const ways = same ? moved[0][1] : moved.map(([name, text]) => `${name}: ${text}`).join("; ");
  return [
    `<b>${head}</b> at <i>p</i><sub>+</sub>: a little cooling ${cooling}.`,
    `<i>b</i> = ${shown(b)} is ${found.trades_off ? "outside" : "in"} [−1, 0]; `
      + `<i>V</i> = ${shown(aligned.varentropy)} ${found.trades_off ? "&lt;" : "≥"} `
      + `|Var <i>L</i> − Var <i>R</i>| = ${shown(gap)}.`,
    `From <i>T</i> = 1 to <i>T</i> = ${settings.temperature}${same && moved[1] ? ", local and global" : ""}: ${ways}.`,
  ];
}

// --- drawing -------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

const fixed = (value) => value.toFixed(2);

const line = (points, extra = "") => `M${points.map(([x, y]) => `${fixed(x)} ${fixed(y)}`).join("L")}${extra}`;

/** Round numbers that divide an interval into about `count` parts. */
function ticks([low, high], count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map((i) => ({ value: (first + i) * step, step }));
}

const tickText = ({ value, step }) => (Math.abs(value) < step / 2 ? "0"
  : value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))).replace("-", "−");

const extent = (values) => [least(values), largest(values)];

const padded = ([low, high], share) => {
  const room = (high - low || 1) * share;
  return [low - room, high + room];
};

/** One unit is as long on both axes, unless a panel would become a thread. */
function evened(x, y, width, height) {
  const [spanX, spanY] = [(x[1] - x[0]) / width, (y[1] - y[0]) / height];
  const unit = Math.max(spanX, spanY);
  if (unit > 5 * Math.min(spanX, spanY)) return [x, y];
  const widened = ([low, high], length) => [(low + high - unit * length) / 2, (low + high + unit * length) / 2];
  return [widened(x, width), widened(y, height)];
}

const MARGIN = { left: 52, right: 10, top: 8, bottom: 40 };

/** A panel's axes: the maps from numbers to pixels, and the drawing of frame, ticks and names. */
function panel(svg, x, y, names) {
  const width = svg.clientWidth || 460;
  const height = Math.round(Math.min(Math.max(width * 0.75, 260), 360));
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const [[x0, x1], [y0, y1]] = evened(x, y, inner.width, inner.height);
  const toX = (value) => MARGIN.left + ((value - x0) / (x1 - x0)) * inner.width;
  const toY = (value) => MARGIN.top + ((y1 - value) / (y1 - y0)) * inner.height;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  const id = `${svg.id}-frame`;
  const box = { x: MARGIN.left, y: MARGIN.top, width: inner.width, height: inner.height };
  const axes = element("g", { class: "axes" });
  ticks([x0, x1], width / 90).forEach((tick) => axes.append(
    element("path", { d: `M${fixed(toX(tick.value))} ${MARGIN.top}v${inner.height}` }),
    element("text", { x: toX(tick.value), y: height - MARGIN.bottom + 15, "text-anchor": "middle" }, tickText(tick)),
  ));
  ticks([y0, y1], height / 60).forEach((tick) => axes.append(
    element("path", { d: `M${MARGIN.left} ${fixed(toY(tick.value))}h${inner.width}` }),
    element("text", { x: MARGIN.left - 6, y: toY(tick.value) + 4, "text-anchor": "end" }, tickText(tick)),
  ));
  const middle = [MARGIN.left + inner.width / 2, MARGIN.top + inner.height / 2];
  axes.append(
    named(names[0], { x: middle[0], y: height - 6, "text-anchor": "middle" }),
    named(names[1], { "text-anchor": "middle", transform: `translate(13 ${middle[1]}) rotate(-90)` }),
  );
  const inside = element("g", { "clip-path": `url(#${id})` });
  svg.replaceChildren(
    element("defs", {}, element("clipPath", { id }, element("rect", box))),
    axes,
    inside,
    element("rect", { ...box, class: "frame" }),
  );
  const isEven = Math.abs((inner.width * (y1 - y0)) / (inner.height * (x1 - x0)) - 1) < 1e-9;
  return { inside, isEven, at: ([a, b]) => [toX(a), toY(b)], x: [x0, x1], y: [y0, y1] };
}

/** A name in which *...* is italic. */
function named(text, attributes) {
  const parts = text.split("*").map((part, i) => (i % 2 ? element("tspan", { "font-style": "italic" }, part) : part));
  return element("text", { class: "name", ...attributes }, ...parts);
}

/** Marks around (0, 0): the shape tells the adaptor, filled is global, hollow is local. */
const SHAPES = {
  prior: "M0-6L6 0L0 6L-6 0Z",
  aligned: line(range(10).map((i) => {
    const [angle, radius] = [(Math.PI * i) / 5, i % 2 ? 3.4 : 8];
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  }), "Z"),
  temperature: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z",
  top_k: "M0-6L5.6 4.2H-5.6Z",
  nucleus: "M-4.6-4.6H4.6V4.6H-4.6Z",
};

const mark = ({ adaptor, normalise }, x, y) => element("path", {
  d: SHAPES[adaptor],
  class: `mark ${adaptor} ${normalise === "local" ? "hollow" : "solid"}`,
  transform: `translate(${fixed(x)} ${fixed(y)})`,
});

const sample = (drawn) => element("svg", { class: "sample", width: 26, height: 14, viewBox: "-13 -7 26 14" }, drawn);

const stroke = (kind) => sample(element("path", { d: "M-13 0H13", class: `line ${kind}` }));

function legend(place, entries) {
  place.replaceChildren(...entries.map(([drawn, text]) => {
    const entry = document.createElement("span");
    const label = document.createElement("span");
    label.innerHTML = text;
    entry.append(drawn, label);
    return entry;
  }));
}

/** What the plane must hold: the strings, or only the laws and where temperature leads. */
function planeExtent(numbers, whole) {
  const { laws, paths: { global, local, beta }, strings, hull: corners } = numbers;
  const points = whole
    ? corners.map((y) => [strings.log_prior[y], strings.reward[y]])
    : [...laws.map((law) => [law.mean_log_prior, law.mean_reward]), ...global, ...(local || []), ...beta.slice(0, 21)];
  return [0, 1].map((k) => padded(extent(points.map((p) => p[k])), 0.08));
}

/** Strings as dots whose area grows with p+, in a few sizes so that thousands stay light. */
function drawStrings({ inside, at }, { log_prior: l, reward: r, prob }) {
  const most = largest(prob);
  const radii = [1.2, 2, 3, 4.5, 6.5];
  const size = prob.map((q) => radii.findIndex((radius) => radius >= 6.5 * Math.sqrt(q / most) || radius === 6.5));
  radii.forEach((radius, k) => {
    const dots = range(l.length).filter((y) => size[y] === k).map((y) => at([l[y], r[y]]));
    if (dots.length) {
      const d = dots.map(([x, y]) => `M${fixed(x)} ${fixed(y)}h0`).join("");
      inside.append(element("path", { d, class: "strings", "stroke-width": 2 * radius }));
    }
  });
}

/** The band |x + y - centre| < half, wide enough for any panel. */
function bandCorners({ x }, centre, half) {
  const reach = x[1] - x[0];
  const [left, right] = [x[0] - reach, x[1] + reach];
  return [[left, -half], [right, -half], [right, half], [left, half]].map(([a, off]) => [a, centre + off - a]);
}

function drawBand(axes, centre, half) {
  const [a, b, c, d] = bandCorners(axes, centre, half).map(axes.at);
  axes.inside.append(
    element("path", { d: line([a, b, c, d], "Z"), class: "band" }),
    element("path", { d: line([a, b]) + line([d, c]), class: "line edge" }),
  );
}

const bandName = ({ isEven }) => `typical band${isEven ? "" : ", of slope −1: the axes differ in scale"}`;

function drawPlane(numbers, whole) {
  const svg = document.getElementById("plane");
  const [x, y] = planeExtent(numbers, whole);
  const axes = panel(svg, x, y, ["E *L*  (nats)", "E *R*  (nats)"]);
  const { inside, at } = axes;
  const { strings, paths: path, laws, aligned, settings, hull: corners } = numbers;
  const add = (points, kind, extra) => {
    inside.append(element("path", { d: line(points.map(at), extra), class: `line ${kind}` }));
  };
  drawBand(axes, aligned.log_partition - aligned.entropy, settings.epsilon);
  add(corners.map((k) => [strings.log_prior[k], strings.reward[k]]), "hull", "Z");
  drawStrings(axes, strings);
  add(path.beta, "beta");
  if (path.local) add(path.local, "local");
  add(path.global, "global");
  laws.slice().reverse().forEach((law) => inside.append(mark(law, ...at([law.mean_log_prior, law.mean_reward]))));
  labelPlane(axes, numbers);
  legend(document.getElementById("plane-legend"), [
    [stroke("global"), path.local ? "temperature path, global" : "temperature path"],
    ...(path.local ? [[stroke("local"), "temperature path, local"]] : []),
    [stroke("beta"), "<i>β</i> path"],
    [stroke("edge"), bandName(axes)],
    [stroke("hull"), "hull of the strings"],
    [
      sample(element("path", { d: "M0 0h0", class: "strings", "stroke-width": 8 })),
      "strings (<i>L</i>, <i>R</i>), area ∝ <i>p</i><sub>+</sub>",
    ],
  ]);
}

/** Words beside points, the first ones first; a word that would cover a mark or another word is left out. */
function labels({ inside, at }, marks) {
  const { x: left, y: top, width, height } = inside.ownerSVGElement.querySelector("clipPath rect").getBBox();
  const taken = marks.map((spot) => ({ x: spot[0] - 6, y: spot[1] + 6, long: 12 }));
  return (text, place, kind, [dx, dy]) => {
    const [px, py] = at(place);
    const long = text.replaceAll("*", "").length * (kind === "label" ? 9 : 6);
    const options = [[dx, dy], [-dx, dy], [dx, -dy], [-dx, -dy]].map(([sx, sy]) => {
      const x = sx > 0 ? px + 9 : px - 9 - long;
      return { x, y: sy > 0 ? py + 15 : py - 6, long };
    });
    const fits = ({ x, y }) => x > left && x + long < left + width && y - 11 > top && y + 3 < top + height
      && taken.every((other) => x > other.x + other.long || other.x > x + long || Math.abs(y - other.y) > 12);
    const found = options.find(fits) || (kind === "label" && options[0]);
    if (!found) return;
    taken.push(found);
    inside.append(named(text, { x: found.x, y: found.y, class: kind }));
  };
}

/** p and p+ on the sides that face away from each other, the ends of the temperature path, the strings. */
function labelPlane(axes, { laws, paths: path, strings, model }) {
  const [prior, aligned] = laws;
  const add = labels(axes, laws.map((law) => axes.at([law.mean_log_prior, law.mean_reward])));
  const side = prior.mean_log_prior <= aligned.mean_log_prior ? -1 : 1;
  add("*p*₊", [aligned.mean_log_prior, aligned.mean_reward], "label", [-side, -1]);
  add("*p*", [prior.mean_log_prior, prior.mean_reward], "label", [side, -1]);
  const few = model.strings <= 8 ? 8 : 6;
  if (model.strings <= 8 || !model.is_table) {
    const found = namedStrings(strings, model.names, few);
    found.forEach(([names, place]) => add(names.join(", "), place, "string-name", [1, 1]));
  }
  add("*T* = 0.1", path.global[0], "string-name", [1, -1]);
  add("*T* = 10", path.global.at(-1), "string-name", [1, -1]);
}

/** The names of the most probable strings; those at one place share a label. */
function namedStrings({ log_prior: l, reward: r, prob }, names, count) {
  const places = new Map();
  range(prob.length).sort((i, j) => prob[j] - prob[i]).slice(0, count).forEach((y) => {
    const key = `${l[y].toPrecision(9)} ${r[y].toPrecision(9)}`;
    places.set(key, { names: [...(places.get(key)?.names || []), names[y]], place: [l[y], r[y]] });
  });
  return [...places.values()].map(({ names: shared, place }) => [shared.sort(), place]);
}

const NORMAL_95 = Math.sqrt(-2 * Math.log(0.05));

/** The curve that holds 95 % of the corpus means in the normal limit, around (0, 0). */
function ellipse({ var_log_prior: varL, var_reward: varR, cov }, size) {
  const [sdL, scale] = [Math.sqrt(varL), NORMAL_95 / Math.sqrt(size)];
  const below = sdL > 0 ? cov / sdL : 0;
  const across = Math.sqrt(Math.max(varR - below * below, 0));
  return range(121).map((k) => {
    const [c, s] = [Math.cos((Math.PI * k) / 60), Math.sin((Math.PI * k) / 60)];
    return [scale * sdL * c, scale * (below * c + across * s)];
  });
}

function drawCorpora({ aligned, corpus, settings }) {
  const svg = document.getElementById("corpora");
  const curve = ellipse(aligned, settings.size);
  const [x, y] = [0, 1].map((k) => padded(extent(curve.map((p) => p[k])), 0.12));
  const axes = panel(svg, x, y, ["*L̄* − E *L*  (nats)", "*R̄* − E *R*  (nats)"]);
  const { inside, at } = axes;
  drawBand(axes, 0, settings.epsilon);
  const outline = line(curve.map(at), "Z");
  const band = line(bandCorners(axes, 0, settings.epsilon).map(at), "Z");
  svg.querySelector("defs").append(element("clipPath", { id: "typical-part" }, element("path", { d: band })));
  inside.append(
    element("path", { d: outline, class: "corpora-part" }),
    element("path", { d: outline, class: "typical-part", "clip-path": "url(#typical-part)" }),
    element("path", { d: outline, class: "line ellipse" }),
  );
  const slope = corpus.conditional_slope_limit;
  if (slope !== null) {
    const reach = Math.min(x[1], y[1] / Math.abs(slope)) * 0.9;
    const ends = [-reach, reach].map((l) => at([l, l * slope]));
    inside.append(element("path", { d: line(ends), class: "line regression" }));
  }
  inside.append(mark({ adaptor: "aligned" }, ...at([0, 0])));
  legend(document.getElementById("corpora-legend"), [
    [stroke("ellipse"), "holds 95 % of the corpora"],
    [sample(element("path", { d: "M-13-6H13V6H-13Z", class: "typical-part" })), "typical corpora"],
    [stroke("edge"), bandName(axes)],
    [stroke("regression"), "regression of <i>R̄</i> on <i>L̄</i>, typical corpora"],
  ]);
}

const GAUGE = [-3, 2];

/** b on a line, with [-1, 0] shaded; an arrow where it lies beyond the ends. */
function drawGauge({ exchange_coefficient: b }) {
  const svg = document.getElementById("gauge");
  const width = svg.clientWidth || 300;
  const at = (value) => 16 + ((value - GAUGE[0]) / (GAUGE[1] - GAUGE[0])) * (width - 32);
  svg.setAttribute("viewBox", `0 0 ${width} 60`);
  svg.replaceChildren(
    element("rect", { x: at(-1), y: 6, width: at(0) - at(-1), height: 18, class: "no-trade" }),
    element("path", { d: `M${at(GAUGE[0])} 24H${at(GAUGE[1])}`, class: "rule" }),
    ...range(6).map((i) => GAUGE[0] + i).flatMap((value) => [
      element("path", { d: `M${at(value)} 24v4`, class: "rule" }),
      element("text", { x: at(value), y: 40, "text-anchor": "middle" }, String(value).replace("-", "−")),
    ]),
    named("*b*; in the shaded part, no trade-off", { x: width / 2, y: 56, "text-anchor": "middle" }),
  );
  if (b === null) return;
  const place = Math.min(Math.max(b, GAUGE[0] - 0.12), GAUGE[1] + 0.12);
  const shape = b < GAUGE[0] ? "M6-6L-6 0L6 6Z" : b > GAUGE[1] ? "M-6-6L6 0L-6 6Z" : "M0 8L6-4H-6Z";
  svg.append(element("path", { d: shape, class: "needle", transform: `translate(${fixed(at(place))} 15)` }));
}

function row(law, digits) {
  const made = document.createElement("tr");
  Object.assign(made.dataset, { adaptor: law.adaptor, normalise: law.normalise });
  const head = document.createElement("th");
  head.scope = "row";
  head.innerHTML = `<span>${NAMES[law.adaptor]}${law.normalise ? `, ${law.normalise}` : ""}</span>`;
  head.prepend(sample(mark(law, 0, 0)));
  made.append(head);
  ["mean_log_prior", "mean_reward", "entropy", "kl_to_aligned", "exchange_coefficient"].forEach((key) => {
    const cell = made.insertCell();
    cell.dataset.key = key;
    cell.textContent = shown(law[key], digits);
  });
  Object.assign(made.insertCell(), { textContent: law.strings.toLocaleString("en") }).dataset.key = "strings";
  const last = made.insertCell();
  last.dataset.key = "against";
  last.innerHTML = ["prior", "aligned"].includes(law.adaptor) ? "" : againstText(law.against);
  return made;
}

function fill(table, numbers, digits) {
  document.querySelectorAll(`#${table} [data-key]`).forEach((cell) => {
    cell.textContent = shown(numbers[cell.dataset.key], digits);
  });
}

/** Draw the numbers; nothing is computed here but places on the screen. */
function render(numbers, view) {
  const said = document.getElementById("sentence");
  said.innerHTML = sentences(numbers).map((text) => `<span>${text}</span>`).join(" ");
  said.dataset.verdict = numbers.verdict.trades_off ? "trades off" : "does not trade off";
  drawGauge(numbers.aligned);
  drawPlane(numbers, view.strings);
  drawCorpora(numbers);
  document.querySelector("#laws tbody").replaceChildren(...numbers.laws.map((law) => row(law, view.digits)));
  document.getElementById("laws-note").innerHTML = numbers.model.is_table
    ? "In this model a string is one token: local and global adaptors are the same."
    : "Filled marks: global, one normalisation per string. Hollow marks: local, one per token.";
  fill("aligned", numbers.aligned, view.digits);
  fill("corpus", numbers.corpus, view.digits);
  document.getElementById("vacuous").textContent = numbers.corpus.chebyshev_bound >= 1 ? "vacuous" : "";
}

// --- the controls --------------------------------------------------------------------------------------------------

const rounded = (value) => Number(value.toPrecision(3));

/** 1, 1.5, 2, 3, 5, 7 times the powers of ten from `low` to `high`. */
const decades = (low, high) => range(12).flatMap((e) => [1, 1.5, 2, 3, 5, 7].map((m) => rounded(m * low * 10 ** e)))
  .filter((value) => value <= high);

/** Values low, low + step, ..., high. */
const evenly = (low, high, step) => range(Math.round((high - low) / step) + 1).map((i) => rounded(low + i * step));

/** The values that a slider steps through; the field beside it takes any number between the ends. */
function stops(name, model) {
  switch (name) {
    case "beta": return [...evenly(0.2, 0.45, 0.05), ...evenly(0.5, 1.5, 0.1), ...evenly(1.75, 5, 0.25)];
    case "temperature":
      return [...evenly(0.1, 1.1, 0.05), ...evenly(1.2, 2, 0.1), ...evenly(2.5, 4.5, 0.5), ...evenly(5, 10, 1)];
    case "top_k": {
      const few = range(Math.min(model.widest, 30)).map((i) => i + 1);
      const many = decades(10, model.widest).filter((k) => k > 30 && k < model.widest);
      return model.widest > 30 ? [...few, ...many, model.widest] : few;
    }
    case "nucleus": return evenly(0.05, 1, 0.01);
    case "size": return [1, 2, 3, 5, 7, ...decades(10, 1e6)];
    default: return decades(0.001, 2);
  }
}

const SETTINGS = ["beta", "temperature", "top_k", "nucleus", "size", "epsilon"];
const WHOLE = new Set(["top_k", "size"]);

const defaults = (model) => ({
  beta: 1, temperature: 0.5, top_k: Math.min(model.widest, Math.max(2, Math.round(model.widest / 4))), nucleus: 0.75,
  size: model.size, epsilon: model.epsilon,
});

/** The number that a reader typed, or null where it is none or outside the slider's ends. */
function accepted(name, text, values) {
  const value = text.trim() === "" ? NaN : Number(text);
  const inside = value >= values[0] && value <= values.at(-1);
  return inside && (!WHOLE.has(name) || Number.isInteger(value)) ? value : null;
}

const nearest = (values, value) => values.reduce((best, v, i) => (
  Math.abs(Math.log(v / value)) < Math.abs(Math.log(values[best] / value)) ? i : best), 0);

/** Connect sliders, fields and buttons to the picture. */
function start(models) {
  const at = (id) => document.getElementById(id);
  const state = { model: models[0], settings: defaults(models[0]), waiting: false };
  const view = () => ({
    digits: at("digits").checked,
    strings: document.querySelector("[name=view]:checked").value === "strings",
  });
  const draw = () => { state.waiting = false; render(compute(state.model, state.settings), view()); };
  const refresh = () => { if (!state.waiting) { state.waiting = true; requestAnimationFrame(draw); } };

  const showSetting = (name) => {
    const values = stops(name, state.model);
    const value = state.settings[name];
    const slider = at(name);
    Object.assign(slider, { min: 0, max: values.length - 1, step: 1, value: nearest(values, value) });
    slider.setAttribute("aria-valuetext", String(value));
    Object.assign(at(`${name}-value`), { min: values[0], max: values.at(-1), value: String(value) });
    at(`${name}-value`).removeAttribute("aria-invalid");
  };
  const setAll = (settings) => { state.settings = settings; SETTINGS.forEach(showSetting); refresh(); };
  const pick = (index) => {
    state.model = models[index];
    at("model").value = String(index);
    at("about").innerHTML = state.model.about;
    document.querySelector(`[name=view][value=${state.model.prior.length > 8 ? "laws" : "strings"}]`).checked = true;
    setAll({ ...state.settings, top_k: Math.min(state.settings.top_k, state.model.widest) });
  };

  models.forEach((model, index) => at("model").append(new Option(model.title, String(index))));
  at("model").addEventListener("change", () => pick(Number(at("model").value)));
  SETTINGS.forEach((name) => {
    at(name).addEventListener("input", () => {
      state.settings = { ...state.settings, [name]: stops(name, state.model)[Number(at(name).value)] };
      showSetting(name);
      refresh();
    });
    at(`${name}-value`).addEventListener("change", () => {
      const value = accepted(name, at(`${name}-value`).value, stops(name, state.model));
      if (value === null) { at(`${name}-value`).setAttribute("aria-invalid", "true"); return; }
      state.settings = { ...state.settings, [name]: value };
      showSetting(name);
      refresh();
    });
  });
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  at("reset").addEventListener("click", () => setAll(defaults(state.model)));
  at("digits").addEventListener("change", refresh);
  document.querySelectorAll("[name=view]").forEach((choice) => choice.addEventListener("change", refresh));
  window.addEventListener("resize", refresh);
  pick(0);
}

start(JSON.parse(document.getElementById("models").textContent).map(planted));
