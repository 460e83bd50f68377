"""The three sentences of the paper, on three strings: a notebook with sliders.

pip install probqual[notebook]
marimo edit examples/notebooks/three_sentences.py
"""

import marimo

app = marimo.App(width="medium", app_title="Probability and quality on three strings")


@app.cell
def imports():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from figures import exchange, gallery, line, plane, toy
    from figures.own_plane import plot
    from theory import Model
    from theory.adaptors.moments import float_moments
    from theory.arithmetic.exact import precision, rational

    return Figure, Model, exchange, float_moments, gallery, line, mo, np, plane, plot, precision, rational, toy


@app.cell
def opening(mo):
    mo.md(r"""
    # Probability and quality on three strings

    A language model was aligned: a reward says which strings people like, and the model was tuned towards them.
    We then sample from it, and look at two averages over a corpus of N strings: how likely the strings are
    under the model *before* alignment, and how much reward they earn. A paper (Tan et al., EMNLP 2024, arXiv
    2406.10203) says three things about these two averages:

    - **A.** In corpora sampled from an aligned model, average reward and average log-likelihood trade off: where
      one is higher, the other is lower.
    - **B.** This has a formal treatment: in *typical* corpora, as most large ones are, the two averages sum to
      nearly a constant.
    - **C.** The sampling adaptor chooses how much likelihood is exchanged for reward. An adaptor changes the
      probabilities before a string is drawn: a temperature makes them sharper or flatter, top-k keeps the k most
      probable ones.

    Which of this is true, and of which models? Three strings are enough to see it. Everything below is computed
    exactly, except the corpora of two pictures, which are drawn at random and say so. Logarithms are natural.

    With each sentence stands a figure of the project's report (paper_check.md), drawn again by the code that drew it
    there. Before you move a slider it is that figure, number for number: figures/NAME.csv.

    ## The model

    The prior p is the model before alignment, r is the reward, and beta > 0 says how strongly alignment holds
    on to the prior. The aligned model is p+(y) = p(y) exp(r(y)/beta) / Z, where Z makes the sum 1. For a string
    y we write

    - L = log p(y), its log-likelihood **under the prior**, often taken as a measure of fluency,
    - R = r(y)/beta, its reward in units of beta: from here on "reward" is R,
    - I = -log p+(y), its surprisal under the aligned model.

    A large beta keeps p+ near the prior. The unit of all three is the nat, since logarithms are natural.

    Choose who earns the reward, and how strong the alignment is (1/beta; at 0 nothing is aligned, and p+ = p):
    """)
    return


@app.cell
def choices(mo, np):
    models = {
        "likely strings earn most": ((1, 2, 4), (0.0, 0.9, 1.0)),
        "rare strings earn most": ((1, 2, 8), tuple(np.log([8, 6, 3]))),
        "rare strings earn much more": ((1, 4, 8), (2.1, 0.0, 0.7)),
    }
    who = mo.ui.dropdown(list(models), value="rare strings earn most", label="who earns the reward")
    strength = mo.ui.slider(0.0, 3.0, 0.1, value=1.0, label="strength 1/beta", show_value=True)
    mo.hstack([who, strength])
    return models, strength, who


@app.cell
def chosen(Model, models, np, strength, who):
    weights, rewards = (np.array(row, dtype=float) for row in models[who.value])
    model = Model.table(["x", "y", "z"], weights / weights.sum(), rewards * strength.value)
    answer = model.answer()
    prior = weights / weights.sum()
    likelihood, reward = np.log(prior), rewards * strength.value
    tilted = prior * np.exp(reward)
    aligned = tilted / tilted.sum()
    return aligned, answer, likelihood, model, prior, reward


@app.cell
def the_table(aligned, likelihood, mo, np, prior, reward):
    mo.ui.table(
        [
            {
                "string": name,
                "p": f"{p:.3f}",
                "L": f"{l:.3f}",
                "R": f"{r:.3f}",
                "p+": f"{q:.3f}",
                "I": f"{-np.log(q):.3f}",
            }
            for name, p, l, r, q in zip("xyz", prior, likelihood, reward, aligned, strict=True)
        ],
        selection=None,
    )
    return


@app.cell
def sentence_b(mo):
    mo.md(r"""
    ## B: do the averages sum to a constant?

    In every row of the table L + R = log Z - I. A bar is an average over the N strings of a corpus, so for
    **every** corpus

    $$\bar L + \bar R = \log Z - \bar I .$$

    The right side depends on the corpus through the average surprisal. If the strings are independent draws
    from p+, this average comes close to its mean, the entropy H, as N grows. A corpus is called *typical* if it
    lies within epsilon of H. In the plane of the two averages, typical corpora therefore lie close to **the
    line** of all points with sum log Z - H, which falls with slope -1. Move N and epsilon:
    """)
    return


@app.cell
def corpus_choices(mo):
    size = mo.ui.slider(5, 300, 5, value=50, label="N", show_value=True)
    epsilon = mo.ui.slider(0.02, 0.5, 0.02, value=0.1, label="epsilon (nats)", show_value=True)
    mo.hstack([size, epsilon])
    return epsilon, size


@app.cell
def corpora(Figure, aligned, answer, epsilon, likelihood, model, np, reward, size):
    window = model.with_corpus(size.value, epsilon.value).answer()
    typical, bound = window["typical_probability"], window["chebyshev_bound"]
    counts = np.random.default_rng(7).multinomial(size.value, aligned, size=400)
    mean_l, mean_r = counts @ likelihood / size.value, counts @ reward / size.value
    total = answer["log_partition"] - answer["entropy"]
    near = abs(mean_l + mean_r - total) < epsilon.value
    cloud = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = cloud.subplots()
    axes.plot(mean_l[near], mean_r[near], ".", color="#009e73", label="typical")
    axes.plot(mean_l[~near], mean_r[~near], ".", color="#767676", label="not typical")
    axes.axline((answer["mean_log_prior"], answer["mean_reward"]), slope=-1, color="black", label="the line")
    axes.set(xlabel="average L of a corpus (nats)", ylabel="average R of a corpus (nats)")
    axes.set_title(f"400 random corpora of N = {size.value}")
    axes.legend()
    cloud
    return bound, near, typical, window


@app.cell
def about_b(answer, bound, mo, near, size, typical):
    known = "has no value" if typical is None else f"is {typical:.4f}, computed exactly"
    mo.md(f"""     The probability that a corpus of N = {size.value} is typical {known}; of the 400 drawn ones
    {near.mean():.0%} are. Chebyshev's inequality, which needs the variance of I alone, says that a corpus is *not*
    typical with probability at most {min(bound, 1):.3f}. Here H = {answer["entropy"]:.3f} nats, and the variance
    of I is V = {answer["varentropy"]:.3f}.

    So the identity of B holds for every corpus, and most corpora lie close to the line if N is large. This says
    where the *sum* of the averages is. It does **not** say that one average falls when the other rises: for
    that, look at the shape of the cloud.
    """)
    return


@app.cell
def largest_choice(mo):
    largest = mo.ui.slider(steps=[200, 500, 1000, 2000], value=1000, label="largest N of the figure", show_value=True)
    mo.vstack(
        [
            mo.md(r"""
    **The figure *line*: how fast the sum settles.** Another model, C4, has p = (8, 4, 1)/13 and e^R = (1, 1, 8), so
    I has two values only. (a) shows the law of Lbar + Rbar - (log Z - H) at three sizes N, (b) to (d) the
    probability to miss the line by that much or more, on a logarithmic scale, and three bounds on it. Chebyshev's
    inequality does not see how fast the probability falls with N.
    """),
            largest,
        ]
    )
    return (largest,)


@app.cell
def figure_line(gallery, largest, line, precision):
    with precision():
        of_line = line.compute((10, 100, largest.value))
    gallery.drawn("line", of_line)
    return (of_line,)


@app.cell
def about_a(answer, mo, size, window):
    corr, given = answer["corr"], window["conditional_corr"]
    said = "does not exist: L or R is constant" if corr is None else f"is {corr:.4f}"
    given_text = "has no value here" if given is None else f"is {given:.4f}"
    verdict = (
        "there is nothing to correlate"
        if corr is None
        else "the averages fall and rise **against** each other"
        if corr < 0
        else "the averages rise **together**: no trade-off"
    )
    mo.md(f"""
    ## A: do the averages trade off?

    For independent strings the correlation of the two averages is that of L and R in **one** string, at every
    N: both variances and the covariance are divided by N alike. For the model above it {said}, so {verdict}.

    What if we look at typical corpora only? Given that a corpus of N = {size.value} is typical, the correlation
    {given_text}. In a narrow band around the line the sum is almost fixed, and two numbers with a fixed sum
    move against each other: in a band that is narrow for its N this correlation is close to -1, unless the three
    points (L, R) of the strings lie on one straight line themselves. On the way there it need not fall all the
    time. That part of A comes from looking at typical corpora only, not from alignment.

    *Try:* choose "likely strings earn most". The correlation of all corpora is positive. Leave N at 50 and let
    epsilon go down to 0.02: the sign turns. Then set N to 300, where the same band is wide for the corpora: why
    does the sign come back? Last, set the strength to 0. Why is there no correlation?
    """)
    return


@app.cell
def band_choice(mo):
    band = mo.ui.slider(
        steps=[0.0005, 0.001, 0.0015, 0.002], value=0.001, label="epsilon of the figure (nats)", show_value=True
    )
    mo.vstack(
        [
            mo.md(r"""
    **The figure *toy*: the paper's own example.** The public code of the paper makes 1,000 strings at random and
    looks at corpora of N = 100,000. (a) counts every string once: L and R rise together. (b) weighs a string by p+,
    as sampling does: a weak fall. (c) 20,000 random corpora repeat the correlation of (b), and a band around the
    line holds the typical ones. (d) In the band alone the correlation is strongly negative. (e, f) The published
    number comes from the typical corpora after they were given new weights along Lbar, which makes the correlation
    stronger still. Widen the band: what happens to (d)?
    """),
            band,
        ]
    )
    return (band,)


@app.cell
def figure_toy(band, gallery, precision, rational, toy):
    with precision():
        of_toy = toy.compute(rational(str(band.value)))
    gallery.drawn("toy", of_toy)
    return (of_toy,)


@app.cell
def sentence_c(mo):
    mo.md(r"""
    ## C: what does the sampling adaptor choose?

    A temperature T below 1 makes strings that are likely under p+ still more likely: p+(y) to the power 1/T,
    divided by the sum. To cool is to lower T. Cooling *trades R for L* if E L rises and E R falls, and *L for R*
    if E L falls and E R rises. The sliders act apart: the temperature on p+, and top-k on p+.

    The plane below shows the means E L and E R. The grey area is what **any** law of the three strings can
    reach; the star is p+, the diamond is the prior, and the blue curve is where temperature leads, with a square
    at its cold end; the dashed one is where another strength of alignment leads. Cooling from the star trades
    only if the curve leaves it to the lower right or to the upper left.
    """)
    return


@app.cell
def adaptor_choices(mo):
    temperature = mo.ui.slider(0.2, 3.0, 0.1, value=0.5, label="temperature T", show_value=True)
    keep = mo.ui.slider(1, 3, 1, value=2, label="top-k, k", show_value=True)
    mo.hstack([temperature, keep])
    return keep, temperature


@app.cell
def plane(keep, model, plot, temperature):
    adapted = model.with_adaptor("temperature", temperature.value, "global").with_adaptor("top_k", keep.value)
    reached = adapted.answer()
    plot(adapted).figure
    return adapted, reached


@app.cell
def adaptor_table(reached):
    reached
    return


@app.cell
def about_c(answer, keep, mo, reached, temperature):
    cooled, cut = (entry["effect"] for entry in reached["adaptors"])
    b = answer["exchange_coefficient"]
    rule = "does not exist, since all strings have the same p+" if b is None else f"is {b:.3f}"
    turning = "; ".join(f"below T = {t['temperature']:.3f} it {t['below']}" for t in answer["turns"])
    mo.md(f"""
    **A small cooling of this model: {answer["cooling"]}.** The temperature
    T = {temperature.value}: {cooled}. Top-k with k = {keep.value}: {cut}.
    {"As one cools on, what a further step does changes: " + turning + "." if turning else ""}

    There is a rule for small steps. Let b be the covariance of L and I, divided by the variance of I; here it
    {rule}. To first order, a small cooling at T = 1 trades exactly if b lies **outside** the interval from -1 to
    0. Inside the interval it raises both means, and there is nothing to choose: more likelihood comes with more
    reward. At b = -1 E R stays, at b = 0 E L does.

    So C is true of some models and false of others. Where all strings lie on a rising line, no adaptor can
    trade at all.

    **The figure *exchange*: b of every model.** b depends on two numbers only: the ratio of the standard deviations
    of R and L, and their correlation. So every model has a place in (a). In the grey a small cooling raises both
    means. Your model is marked, too: "rare strings earn most" at strength 1 is the model C5. (b) shows b between
    three models of three strings.
    """)
    return


@app.cell
def of_all_models(exchange, plane, precision):
    with precision():
        all_models, planes = exchange.compute(), plane.compute()
    return all_models, planes


@app.cell
def figure_exchange(aligned, all_models, answer, exchange, float_moments, gallery, prior, reward):
    _own = None if answer["corr"] is None else exchange.Place.of("yours", float_moments(prior, reward))
    of_exchange = all_models if _own is None else exchange.with_place(all_models, _own)
    gallery.drawn("exchange", of_exchange)
    return (of_exchange,)


@app.cell
def before_plane(mo):
    mo.md(r"""
    **The figure *plane*: where adaptors lead, on five models.** The squares are at your temperature, normalised over
    whole strings, the circles at the same temperature token by token; the triangles of the small models are your
    top-k. In C2 and among the words strings have several tokens, so there the two ways of normalising differ. In C1 all
    strings lie on one rising line.
    """)
    return


@app.cell
def figure_plane(gallery, keep, plane, planes, precision, rational, temperature):
    with precision():
        of_plane = plane.marked(planes, rational(str(temperature.value)), keep.value)
    gallery.drawn("plane", of_plane)
    return (of_plane,)


@app.cell
def questions(mo):
    mo.md(r"""
    ## Questions for the class

    1. Choose "likely strings earn most". Does any law in the grey area have a higher E R and a lower E L than the
       star? Does any setting of T or k lead there? Say why.
    2. Choose "rare strings earn most", and let the strength go from 0 to 3. At which strengths does a small
       cooling trade R for L, and at which L for R? What happens to b in between, where the variance of I is
       nearly 0?
    3. In which direction does *heating* (T above 1) move the star, compared with cooling? Is that so for every
       model?
    4. Someone samples 1,000 corpora, keeps those near the line, finds a correlation of -0.9, and concludes that
       alignment causes a trade-off. What would you ask them?

    The command `probqual exact MODEL.toml --plot plane.png` answers the same questions about a model of yours.
    """)
    return


if __name__ == "__main__":
    app.run()
