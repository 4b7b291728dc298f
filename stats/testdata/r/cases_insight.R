# cases_insight.R - ranks, drivers, reliability, quality of answers, interviewers, planning. Without the package lme4 (1.1-31) p31 is passed over;
# without relaimpo and psych p28 and p29 come out without their member "crosscheck", and otherwise the same.
QI <- paste0("q", 1:6)
CASE("p27-multiplicity-ranks", "Adjusted p-values; joint ranks with uncertainty", "ranks",
  data = list(area = "data/syn_area.csv"), body = {
  p <- c(.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528, .7590, 1)
  for (m in c("holm", "BH", "bonferroni", "hochberg", "BY")) Q(paste0("p_", m), "p_adjust", eval(bquote(p.adjust(p, .(m)))), list(p = I(p), method = m), NULL, function(x) list(values = I(x)), r = sprintf("p.adjust(p, \"%s\")", m), note = if (m == "holm") "p-values of Benjamini & Hochberg (1995), section 4: BH at 0.05 rejects the first 4, Bonferroni the first 3" else NULL)
  Q("p_with_missing", "p_adjust", p.adjust(c(.01, NA, .04, .03), "BH"), list(p = I(c(.01, NA, .04, .03)), method = "BH"), NULL, function(x) list(values = I(x)))
  est <- area$sat_mean[1:30]; s2 <- sum((area$n - 1) * area$sat_s2) / sum(area$n - 1); se <- sqrt(s2 / area$n[1:30]); K <- 30
  out <- function(m) list(rank = I(m[, 1]), lower = I(m[, 2]), upper = I(m[, 3])); a <- list(est = "sat_mean rows 1..30", se = "sqrt(s2pool/n), s2pool pooled over all 120 rows", order = "ascending, rank 1 = smallest")
  Q("kww_90", "rank_ci", kww(est, se, .10), c(a, list(method = "Klein-Wright-Wieczorek joint, independence", level = .90)), NULL, out, r = "kww() of r/methods.R")
  Q("kww_95", "rank_ci", kww(est, se, .05), c(a, list(method = "Klein-Wright-Wieczorek joint, independence", level = .95)), NULL, out, r = "kww() of r/methods.R")
  Q("pairs_tukey_95", "rank_ci", rank_pairs(est, se, .05, qtukey(.95, K, Inf) / sqrt(2)), c(a, list(method = "simultaneous, all pairwise comparisons, Tukey-Kramer", level = .95, critical = qtukey(.95, K, Inf) / sqrt(2))), NULL, out, r = "rank_pairs(.., qtukey(.95,30,Inf)/sqrt(2))")
  Q("pairs_bonferroni_95", "rank_ci", rank_pairs(est, se, .05, qnorm(1 - .05 / (K * (K - 1)))), c(a, list(method = "simultaneous, all pairwise comparisons, Bonferroni", level = .95, critical = qnorm(1 - .05 / (K * (K - 1))))), NULL, out, r = "rank_pairs(.., qnorm(1-.05/(K(K-1))))")
  Q("pairs_marginal_95", "rank_ci", rank_pairs(est, se, .05, qnorm(1 - .05 / (2 * (K - 1)))), c(a, list(method = "one unit at a time, Bonferroni over its K-1 comparisons", level = .95, critical = qnorm(1 - .05 / (2 * (K - 1))))), NULL, out, r = "rank_pairs(.., qnorm(1-.05/(2(K-1))))")
  Q("s2pool", "information", s2, list(), NULL, function(x) list(s2pool = x))
})

CASE("p28-key-drivers", "Which question drives overall satisfaction: Johnson relative weights and Shapley (LMG) shares, plain and weighted", "drivers",
  data = list(hh = "data/syn_hh.csv", qr = "data/syn_qr.csv"), notes = "Rows with any missing value among q1..q6 and sat are dropped. Weighted correlations: cov.wt(x, wt, cor=TRUE).", body = {
  for (s in c("hh_weighted", "hh_plain", "qr_plain")) {
    dat <- if (s == "qr_plain") qr else hh; ok <- complete.cases(dat[, c(QI, "sat")]); X <- as.matrix(dat[ok, c(QI, "sat")]); w <- if (s == "hh_weighted") dat$w[ok] else rep(1, sum(ok)); R <- wcor(X, w / sum(w))
    Q(paste0(s, "_correlation"), "correlation", R, list(data = sub("_.*", "", s), weights = if (s == "hh_weighted") "w" else NULL, vars = I(c(QI, "sat"))), NULL, function(x) { dimnames(x) <- NULL; list(n = sum(ok), matrix = x) }, r = "cov.wt(x, wt, cor=TRUE)$cor")
    Q(paste0(s, "_relative_weights"), "relative_weights", rel_weights(R), list(outcome = "sat", predictors = I(QI)), NULL, function(x) list(r2 = x$r2, raw = I(x$raw), pct = I(x$pct)), r = "rel_weights() of r/methods.R")
    Q(paste0(s, "_shapley"), "shapley", lmg(R), list(outcome = "sat", predictors = I(QI)), NULL, function(x) list(r2 = x$r2, raw = I(x$raw), pct = I(x$pct)), r = "lmg() of r/methods.R")
    if (requireNamespace("relaimpo", quietly = TRUE)) { rr <- relaimpo::calc.relimp(cov2cor(R)[c(7, 1:6), c(7, 1:6)], type = "lmg"); .case$crosscheck[[paste("relaimpo", pkgv("relaimpo"), s)]] <<- list(lmg_max_abs_diff_below_1e10 = max(abs(rr@lmg - lmg(R)$raw)) < 1e-10) }
  }
  # jackknife standard errors of the shares (PSU = building), Rao-Wu bootstrap works the same way
  d <- svydesign(ids = ~building, strata = ~subdistrict, weights = ~w, data = hh); j <- as.svrepdesign(d, type = "JKn")
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w"); DD("j", "d", "jackknife", j, list(type = "JKn", mse = FALSE))
  Q("relative_weights_jkn_se", "function", withReplicates(j, function(w, data) { ok <- complete.cases(data[, c(QI, "sat")]) & w > 0; rel_weights(wcor(as.matrix(data[ok, c(QI, "sat")]), w[ok] / sum(w[ok])))$pct }), list(fun = "relative weights in percent"), "j", c_stat(Inf), tol = 1e-7)
})

CASE("p29-reliability", "Cronbach alpha with its interval, item statistics, and the design-weighted alpha", "reliability",
  data = list(hh = "data/syn_hh.csv", ql = "data/syn_quality.csv"), body = {
  X <- as.matrix(na.omit(hh[, QI]))
  Q("alpha_hh", "cronbach", cronbach(X), list(data = "hh", items = I(QI), missing = "listwise"), r = "cronbach() of r/methods.R")
  V <- sprintf("v%02d", 1:20); rv <- c(4, 9, 15); Y <- as.matrix(na.omit(ql[, V])); Q("alpha_unreversed", "cronbach", cronbach(Y), list(data = "ql", items = I(V), missing = "listwise"), r = "cronbach()")
  Y[, rv] <- 6 - Y[, rv]; Q("alpha_reversed", "cronbach", cronbach(Y), list(data = "ql", items = I(V), missing = "listwise", reversed = I(V[rv]), reverse_rule = "6 - x"), r = "cronbach()")
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w"); keep <- complete.cases(hh[, QI]); dd <- d[keep, ]
  Q("alpha_weighted", "cronbach_weighted", svycralpha(~q1 + q2 + q3 + q4 + q5 + q6, dd), list(items = I(QI), domain = "complete cases"), "d", function(x) list(value = as.numeric(x)))
  if (requireNamespace("psych", quietly = TRUE)) { a <- suppressWarnings(psych::alpha(as.data.frame(X))); c0 <- cronbach(X); ci <- psych::alpha.ci(c0$raw_alpha, c0$n, n.var = 6, digits = 15)
    .case$crosscheck[[paste("psych", pkgv("psych"))]] <<- list(raw_below_1e12 = abs(a$total$raw_alpha - c0$raw_alpha) < 1e-12, std_below_1e12 = abs(a$total$std.alpha - c0$std_alpha) < 1e-12, feldt_upper_lower = c(as.numeric(ci$lower.ci), as.numeric(ci$upper.ci))) }
})

CASE("p30-answers", "Careless and fabricated answers: long strings, spread, Mahalanobis, speed, percent match, heaping", "quality",
  data = list(ql = "data/syn_quality.csv"),
  notes = "Rows 1-8 straight-line, 9-16 answer at random, 17-24 are near copies of rows 117-124.", body = {
  V <- sprintf("v%02d", 1:20); X <- as.matrix(ql[, V]); ls <- longstring(X); iv <- irv(X); mh <- mahal_pw(X); pm <- pct_match(X); med <- median(ql$dur)
  wcsv(data.frame(id = ql$id, longstring = as.integer(ls), irv = sprintf("%.12g", iv), mahal_d2 = sprintf("%.12g", mh), mahal_p = sprintf("%.12g", pchisq(mh, 20, lower.tail = FALSE)), max_match = sprintf("%.12g", pm$max_match), partner = ql$id[pm$partner], speed_ratio = sprintf("%.12g", ql$dur / med)), "expected/p30-quality.csv")
  .case$queries[[1]] <<- list(name = "indices", stat = "quality_indices", args = list(items = I(V), id = "id", duration = "dur"), r = "longstring(), irv(), mahal_pw(), pct_match() of r/methods.R", rel_tol = 1e-8,
    note = "longstring skips missing answers; irv = within-person SD (n-1) of the answered items, 0 for a straight-liner; mahal_d2: item means and pairwise covariances, missing items set to the mean; max_match = largest share of equal answers with any other row over the items both answered (at least 80% of the items), partner = first row reaching it; speed_ratio = duration / median duration", expected = list(csv = "expected/p30-quality.csv", rows = nrow(ql)))
  fl <- list(longstring_ge_15 = sum(ls >= 15), irv_zero = sum(iv == 0), mahal_p_below_001 = sum(pchisq(mh, 20, lower.tail = FALSE) < .001), match_ge_85 = sum(pm$max_match >= .85), speed_below_half = sum(ql$dur < med / 2), median_dur = med)
  Q("flag_counts", "quality_flags", fl, list(), r = "counts of rows over the usual thresholds")
  by <- tapply(pm$max_match >= .85, ql$interviewer, sum); Q("match_by_interviewer", "quality_flags", by, list(by = "interviewer"), NULL, function(x) list(counts = as.list(x)))
  Q("last_digit_chisq", "chisq_gof", chisq.test(table(factor(ql$score %% 10, 0:9))), list(var = "score mod 10", expected = "uniform over 0..9"), NULL, c_htest)
  Q("heaping_10", "binomial", binom.test(sum(ql$score %% 10 == 0), nrow(ql), .1, alternative = "greater"), list(var = "score mod 10 == 0", p0 = .1), NULL, function(x) list(share = as.numeric(x$estimate), p_value = x$p.value))
})

if (requireNamespace("lme4", quietly = TRUE)) CASE("p31-interviewer-effect", "Between-interviewer variation: ANOVA and REML intraclass correlation", "quality",
  data = list(hh = "data/syn_hh.csv"), body = {
  suppressMessages(library(lme4)); ENVPKG("lme4")
  for (v in c("sat", "aware", "participate", "q3")) Q(paste0("anova_", v), "icc_anova", icc_anova(hh[[v]], hh$interviewer), list(y = v, group = "interviewer"), r = "icc_anova() of r/methods.R")
  m <- lmer(sat ~ 1 + (1 | interviewer), hh, REML = TRUE, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5))); v <- as.data.frame(VarCorr(m))$vcov
  Q("reml_sat", "icc_reml", m, list(y = "sat", group = "interviewer"), NULL, function(x) list(var_between = v[1], var_within = v[2], icc = v[1] / sum(v), mean = as.numeric(fixef(x)), reml_criterion = as.numeric(REMLcrit(x))), r = "lmer(sat ~ 1 + (1|interviewer), REML=TRUE)", tol = 1e-5)
  m2 <- lmer(sat ~ 1 + age + sex + (1 | subdistrict) + (1 | interviewer), hh, REML = TRUE, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e5))); v2 <- as.data.frame(VarCorr(m2))
  Q("reml_sat_crossed", "icc_reml", m2, list(y = "sat", group = "interviewer", fixed = "age + sex", random = "subdistrict"), NULL, function(x) list(components = setNames(as.list(v2$vcov), v2$grp), icc_interviewer = v2$vcov[v2$grp == "interviewer"] / sum(v2$vcov)), tol = 1e-4, r = "lmer(sat ~ 1 + age + sex + (1|subdistrict) + (1|interviewer))", note = "information: separates area from interviewer; only possible when interviewers work in several areas")
  Q("anova_building", "icc_anova", icc_anova(hh$aware, hh$building), list(y = "aware", group = "building"), r = "icc_anova(); the roh for planning", note = "deff_int is the planning deff 1 + (b-1) roh of the cluster")
})

CASE("p32-planning", "Sample size for a margin of error under deff and finite population; two-wave differences; Neyman and power allocation", "planning",
  data = list(com = "data/syn_communities.csv"), body = {
  g <- expand.grid(e = c(.03, .05, .1), p = c(.5, .8), N = c(300, 1030, 1e5, Inf), deff = c(1, 1.8), rr = c(1, .6))
  for (i in seq_len(nrow(g))) if (i %% 3 == 1 || g$N[i] == 300) Q(sprintf("n_%02d", i), "sample_size", do.call(n_prop, as.list(g[i, ])), list(e = g$e[i], p = g$p[i], N = if (is.finite(g$N[i])) g$N[i] else "Inf", deff = g$deff[i], response_rate = g$rr[i], level = .95), r = "n_prop()")
  Q("moe_150_of_1030", "moe", moe_prop(150, .5, 1030, 1.5), list(n = 150, p = .5, N = 1030, deff = 1.5), r = "moe_prop(150, .5, 1030, 1.5)")
  Q("diff_independent", "sample_size_difference", n_diff(.5, .55, deff = 1.5), list(p1 = .5, p2 = .55, power = .8, alpha = .05, deff = 1.5, overlap = 0, rho = 0), r = "n_diff()")
  Q("diff_half_overlap", "sample_size_difference", n_diff(.5, .55, deff = 1.5, overlap = .5, rho = .6), list(p1 = .5, p2 = .55, power = .8, alpha = .05, deff = 1.5, overlap = .5, rho = .6), r = "n_diff()", note = "n per wave; overlap = share of common respondents, rho = correlation of their answers")
  Nh <- tapply(com$N, com$subdistrict, sum); P <- tapply(com$true_aware * com$N, com$subdistrict, sum) / Nh; Sh <- sqrt(P * (1 - P)); cost <- c(1, 1, 1.5, 1, 2, 1, 1, 3)
  Q("proportional_1000", "allocation", alloc_real(1000, Nh), list(n = 1000, size = "N_h"), NULL, function(x) list(N = I(as.integer(Nh)), n_real = I(as.numeric(x))))
  Q("neyman_1000", "allocation", alloc_real(1000, Nh * Sh), list(n = 1000, size = "N_h S_h, S_h = sqrt(P_h(1-P_h)), P_h = N-weighted true_aware"), NULL, function(x) list(S = I(as.numeric(Sh)), n_real = I(as.numeric(x))))
  Q("neyman_1000_integer", "allocation", alloc_int(1000, as.numeric(Nh * Sh), as.numeric(Nh), 2), list(n = 1000, method = "Wright priority values N_h S_h / sqrt(k(k+1)), minimum 2, cap N_h"), NULL, function(x) list(n = I(as.integer(x))))
  Q("neyman_cost", "allocation", alloc_real(1000, Nh * Sh / sqrt(cost)), list(n = 1000, cost = I(cost), size = "N_h S_h / sqrt(c_h)"), NULL, function(x) list(n_real = I(as.numeric(x))))
  Sy <- com$true_sat * 0 + 12; a <- alloc_int(2400, com$N * sqrt(com$true_aware * (1 - com$true_aware)), com$N, 10); Q("communities_2400_min10", "allocation", a, list(n = 2400, size = "N_c sqrt(P_c(1-P_c)), P_c = true_aware, order of data/syn_communities.csv", min = 10), NULL, function(x) list(n = I(as.integer(x))), r = "alloc_int(2400, ., N, nmin = 10)")
  pw <- com$N^.5; Q("power_half_2400", "allocation", alloc_real(2400, pw), list(n = 2400, size = "N_c^0.5 (Bankier power allocation, equal CVs)"), NULL, function(x) list(n_real = I(as.numeric(x))))
  Q("capped_small_strata", "allocation", alloc_int(100, c(10, 10, 10, 5) * c(50, 4, 1, .5), c(10, 10, 60, 200), 2), list(n = 100, size = I(c(500, 40, 10, 2.5)), N = I(c(10, 10, 60, 200)), min = 2, method = "Wright priority values with caps"), NULL, function(x) list(n = I(as.integer(x))), r = "alloc_int(100, c(500,40,10,2.5), c(10,10,60,200), 2)")
  Q("planning_deff", "deff_planning", c(weights = 1.33, cluster = 1 + (8 - 1) * .08), list(kish = 1.33, b = 8, roh = .08), NULL, function(x) list(cluster = as.numeric(x[2]), total = as.numeric(prod(x))), r = "deff = deff_w * (1 + (b-1) roh)")
})
