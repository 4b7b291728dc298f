# cases_field.R - quantiles, the bootstrap, two sources, waves, the end-to-end table: on made-up data.

CASE("p13-quantiles", "Weighted quantiles of the satisfaction score, Woodruff interval", "design",
  data = list(hh = "data/syn_hh.csv"), body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  for (qr in c("math", "school", "hf4", "hf7", "hf8")) Q(paste0("quantile_", qr), "quantile", eval(bquote(svyquantile(~sat, d, c(.1, .25, .5, .75, .9), na.rm = TRUE, qrule = .(qr), ci = FALSE))), list(var = "sat", probs = I(c(.1, .25, .5, .75, .9)), qrule = qr, na_rm = TRUE), "d", function(x) list(values = I(as.numeric(x[[1]]))), r = sprintf("svyquantile(~sat, d, c(.1,.25,.5,.75,.9), na.rm=TRUE, qrule=\"%s\", ci=FALSE)", qr))
  Q("woodruff", "quantile_ci", svyquantile(~sat, d, c(.25, .5, .75), na.rm = TRUE, interval.type = "mean"), list(var = "sat", probs = I(c(.25, .5, .75)), qrule = "math", interval = "woodruff-mean", na_rm = TRUE), "d",
    function(x) { m <- x[[1]]; list(rows = lapply(1:nrow(m), function(i) list(quantile = m[i, 1], ci = I(as.numeric(m[i, 2:3])), se = m[i, 4]))) })
})

CASE("p19-bootstrap-rao-wu", "Rao-Wu rescaled bootstrap (n_h - 1 PSUs with replacement) with the drawn counts supplied", "replicates",
  data = list(hh = "data/syn_hh.csv"), notes = "Multiplicity m of a PSU in a replicate gives weight factor m * n_h/(n_h-1). variance = 1/(R-1) * sum (theta_r - mean(theta_r))^2.", body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  set.seed(19); R <- 100; psu <- unique(hh[, c("subdistrict", "building")]); psu <- psu[order(psu$subdistrict, psu$building), ]
  M <- matrix(0L, nrow(psu), R)
  for (s in unique(psu$subdistrict)) { i <- which(psu$subdistrict == s); n <- length(i); for (r in 1:R) M[i, r] <- tabulate(sample.int(n, n - 1, TRUE), n) }
  wcsv(cbind(psu, setNames(as.data.frame(M), sprintf("r%03d", 1:R))), "data/boot_counts_hh.csv")
  .case$data$counts <<- "data/boot_counts_hh.csv"
  nh <- as.numeric(table(psu$subdistrict)[as.character(psu$subdistrict)])
  fac <- (M * nh / (nh - 1))[match(hh$building, psu$building), ]
  DD("b", "d", "replicates", svrepdesign(data = hh, weights = ~w, repweights = fac, type = "bootstrap", combined.weights = FALSE, scale = 1 / (R - 1), rscales = rep(1, R)), list(type = "bootstrap", counts = "data/boot_counts_hh.csv", key = "building", factor = "count*n_h/(n_h-1)", scale = 1 / (R - 1), mse = FALSE))
  Q("mean", "mean", svymean(~aware + owner, b), list(vars = I(c("aware", "owner"))), "b", c_stat(degf(d), vcov = TRUE))
  Q("mean_sat", "mean", svymean(~sat, b, na.rm = TRUE), list(vars = I("sat"), na_rm = TRUE), "b", c_stat(degf(d)))
  Q("ratio", "function", withReplicates(b, function(w, data) sum(w * data$participate * data$aware, na.rm = TRUE) / sum(w * data$aware * !is.na(data$participate))), list(fun = "participation among the aware, missing participation excluded"), "b", c_stat(Inf))
  med <- function(w, data) { k <- !is.na(data$sat) & w > 0; x <- data$sat[k]; w <- w[k]; o <- order(x); x <- x[o]; x[which(cumsum(w[o]) / sum(w) >= .5 - 1e-12)[1]] }
  Q("median", "function", withReplicates(b, med), list(fun = "weighted median: smallest x with cumulated weight share >= 0.5", var = "sat"), "b", c_stat(Inf))
  th <- attr(withReplicates(b, med, return.replicates = TRUE), "replicates"); if (is.null(th)) th <- withReplicates(b, med, return.replicates = TRUE)$replicates
  Q("median_percentile", "function_ci", quantile(th, c(.025, .975), type = 7), list(fun = "percentile interval of the replicate medians, quantile type 7"), "b", function(x) list(ci = I(as.numeric(x))))
  Q("by_subdistrict", "mean", svyby(~aware, ~subdistrict, b, svymean), list(vars = I("aware"), by = I("subdistrict")), "b", function(x) list(rows = lapply(1:nrow(x), function(i) list(by = list(subdistrict = as.character(x[i, 1])), estimate = x[i, 2], se = x[i, 3]))))
})

CASE("p23-nonprob-propensity", "QR sample + reference probability sample: pseudo-weights (Chen-Li-Wu, ALP, Elliott-Valliant) and doubly robust estimates", "nonprobability",
  data = list(hh = "data/syn_hh.csv", qr = "data/syn_qr.csv", com = "data/syn_communities.csv"),
  notes = "Selection model covariates: 1, age (5 dummies, base 18-24), sexM, owner, net. Outcome models: same covariates, logistic for 0/1 outcomes, linear for sat, fitted unweighted on A. Rows with a missing outcome are dropped from A for that outcome; B needs no outcome. True values are known because the population is synthetic.", body = {
  f <- ~age + sex + owner + net; XA <- model.matrix(f, qr); XB <- model.matrix(f, hh); d <- hh$w
  D("db", "hh", ids = "building", strata = "subdistrict", weights = "w")
  tr <- c(aware = weighted.mean(com$true_aware, com$N), participate = weighted.mean(com$true_participate, com$N), sat = weighted.mean(com$true_sat, com$N))
  Q("truth_and_naive", "information", list(), list(), NULL, function(x) list(truth = as.list(tr), qr_unweighted = list(aware = mean(qr$aware), participate = mean(qr$participate), sat = mean(qr$sat, na.rm = TRUE)),
     hh_direct = list(aware = as.numeric(coef(svymean(~aware, db))), participate = as.numeric(coef(svymean(~participate, db, na.rm = TRUE))), sat = as.numeric(coef(svymean(~sat, db, na.rm = TRUE))))), r = "means")
  g <- clw(XA, XB, d)
  Q("clw_propensity", "propensity_clw", g, list(columns = I(colnames(XA)), solve = "sum_A x = sum_B d pi(x) x"), "db", function(x) list(theta = I(as.numeric(x$theta)), N_hat = sum(1 / x$piA), weights_first10 = I(1 / x$piA[1:10]), kish_deff = as.numeric(kish(1 / x$piA)["deff"])), tol = 1e-8, r = "clw() of r/methods.R")
  # ALP (Wang, Valliant & Li 2021): one weighted logistic regression, odds = participation rate
  z <- c(rep(1, nrow(XA)), rep(0, nrow(XB))); ws <- c(rep(1, nrow(XA)), d); XX <- rbind(XA, XB)
  al <- suppressWarnings(glm.fit(XX, z, ws, family = binomial(), control = list(epsilon = 1e-14, maxit = 100))); wa <- exp(-drop(XA %*% al$coefficients))
  Q("alp_propensity", "propensity_alp", al$coefficients, list(columns = I(colnames(XA)), stack_weights = "1 for A, d for B", pseudo_weight = "exp(-x'b) = (1-p)/p"), "db", function(x) list(coef = I(as.numeric(x)), N_hat = sum(wa), aware = sum(wa * qr$aware) / sum(wa), participate = sum(wa * qr$participate) / sum(wa)), tol = 1e-7, r = "glm.fit(rbind(XA,XB), z, c(1,d), binomial)")
  # Elliott & Valliant 2017 eq. (6)-(7): pseudo-weight = E[w | x, B] * (1-p)/p with p from the UNWEIGHTED stacked logistic; E[w | x, B] = cell mean weight by age x sex
  ev <- glm.fit(XX, z, family = binomial(), control = list(epsilon = 1e-14, maxit = 100)); pe <- plogis(drop(XA %*% ev$coefficients))
  wc <- tapply(hh$w, list(hh$age, hh$sex), mean); we <- wc[cbind(as.character(qr$age), as.character(qr$sex))] * (1 - pe) / pe
  Q("ev_propensity", "propensity_ev", ev$coefficients, list(columns = I(colnames(XA)), cell_vars = I(c("age", "sex"))), "db", function(x) list(coef = I(as.numeric(x)), N_hat = sum(we), aware = sum(we * qr$aware) / sum(we), participate = sum(we * qr$participate) / sum(we)), tol = 1e-7, r = "glm.fit(rbind(XA,XB), z, binomial)", note = "weights are 1/P(B|x) * (1-p)/p, P(B|x) estimated by 1/mean design weight in the age x sex cell")
  for (v in c("aware", "participate", "sat")) {
    ok <- !is.na(qr[[v]]); XAo <- XA[ok, ]; y <- qr[[v]][ok]; go <- clw(XAo, XB, d)
    fam <- if (v == "sat") gaussian() else binomial(); om <- glm.fit(XAo, y, family = fam, control = list(epsilon = 1e-14, maxit = 100))
    mA <- fam$linkinv(drop(XAo %*% om$coefficients)); mB <- fam$linkinv(drop(XB %*% om$coefficients))
    ip <- clw_ipw2(y, XAo, XB, d, db, go); dr <- clw_dr2(y, mA, mB, XAo, XB, d, db, go)
    Q(paste0("ipw_", v), "ipw_hajek", ip, list(y = v, columns = I(colnames(XA))), "db", function(x) c(x, list(ci95 = I(x$estimate + c(-1, 1) * qnorm(.975) * x$se))), tol = 1e-7, r = "clw_ipw2() of r/methods.R")
    Q(paste0("dr_", v), "doubly_robust", dr, list(y = v, columns = I(colnames(XA)), outcome = if (v == "sat") "linear" else "logistic"), "db", function(x) c(x, list(outcome_coef = I(as.numeric(om$coefficients)), ci95 = I(x$estimate + c(-1, 1) * qnorm(.975) * x$se))), tol = 1e-7, r = "clw_dr2() of r/methods.R")
    i1 <- sum(y / go$piA) / sum(d); d1 <- sum((y - mA) / go$piA) / sum(d) + sum(d * mB) / sum(d)
    Q(paste0("fixed_N_", v), "ipw_dr_fixed_N", list(i1, d1), list(y = v, N = "sum of d over B"), "db", function(x) list(N = sum(d), ipw1 = x[[1]], dr1 = x[[2]]), tol = 1e-7, r = "sum(y/pi)/sum(d); sum((y-m)/pi)/sum(d) + sum(d*m)/sum(d)")
    # cross-check of the point estimates with CRAN nonprobsvy, when installed (its IPW and DR divide by sum(d))
    if (requireNamespace("nonprobsvy", quietly = TRUE)) suppressMessages(suppressWarnings({ qq <- qr[ok, c(v, "age", "sex", "owner", "net")]; rownames(qq) <- NULL; h2 <- hh[, c("subdistrict", "building", "w", "age", "sex", "owner", "net")]
      dn <- svydesign(ids = ~building, strata = ~subdistrict, weights = ~w, data = h2)
      q1 <- nonprobsvy::nonprob(selection = ~age + sex + owner + net, target = reformulate(v), data = qq, svydesign = dn, method_selection = "logit", se = FALSE)
      q2 <- nonprobsvy::nonprob(selection = ~age + sex + owner + net, outcome = as.formula(paste(v, "~age+sex+owner+net")), data = qq, svydesign = dn, method_selection = "logit", method_outcome = "glm", family_outcome = if (v == "sat") "gaussian" else "binomial")
      .case$crosscheck[[paste0("nonprobsvy ", pkgv("nonprobsvy"), " ", v)]] <<- list(ipw1_rel_diff_below_1e6 = abs(i1 / q1$output$mean - 1) < 1e-6, dr1_rel_diff_below_1e6 = abs(d1 / q2$output$mean - 1) < 1e-6) }))
  }
})

CASE("p25-waves", "Difference between two waves: independent samples, and samples that share buildings", "trend",
  data = list(wv = "data/syn_waves.csv"),
  notes = "Six of the twelve buildings of every subdistrict are in both waves. 'indep' treats the waves as independent (strata wave x subdistrict, clusters wave x building). 'over' stacks the waves under the common strata and building ids, so that the covariance of the shared buildings is estimated.", body = {
  D("indep", "wv", ids = "wave_bld", strata = "wave_sub", weights = "w"); D("over", "wv", ids = "building", strata = "subdistrict", weights = "w")
  for (d in c("indep", "over")) for (v in c("aware", "participate", "sat")) {
    b <- eval(bquote(svyby(~.(as.name(v)), ~wave, subset(.(as.name(d)), !is.na(.(as.name(v)))), svymean, covmat = TRUE))); V <- vcov(b)
    Q(paste0(v, "_waves_", d), "mean", b, list(vars = I(v), by = I("wave"), na_rm = TRUE, covmat = TRUE), d, function(x) list(rows = lapply(1:2, function(i) list(by = list(wave = as.character(x$wave[i])), estimate = as.numeric(coef(x))[i], se = as.numeric(SE(x))[i])), vcov = { m <- V; dimnames(m) <- NULL; m }), r = sprintf("svyby(~%s, ~wave, subset(%s, !is.na(%s)), svymean, covmat=TRUE)", v, d, v))
    Q(paste0(v, "_change_", d), "contrast", svycontrast(b, c(-1, 1)), list(of = paste0(v, "_waves_", d), coef = I(c(-1, 1))), d, function(x) { e <- as.numeric(coef(x)); s <- as.numeric(SE(x)); k <- degf(get(d)); list(estimate = e, se = s, t = e / s, df = k, p_value = 2 * pt(-abs(e / s), k), ci95 = I(e + c(-1, 1) * qt(.975, k) * s)) })
  }
  Q("ttest_aware_over", "ttest", svyttest(aware ~ I(wave - 1), over), list(y = "aware", group = "wave"), "over", c_ttest, note = "R uses df = degf - 1 here (one regression slope); SE is the same as the contrast's", tol = 1e-8)
  Q("ttest_aware_indep", "ttest", svyttest(aware ~ I(wave - 1), indep), list(y = "aware", group = "wave"), "indep", c_ttest, tol = 1e-8)
  b <- svyby(~aware, ~subdistrict + wave, over, svymean, covmat = TRUE); V <- vcov(b); S <- levels(wv$subdistrict)
  ch <- t(sapply(S, function(s) { i <- which(b$subdistrict == s & b$wave == 1); j <- which(b$subdistrict == s & b$wave == 2); e <- b$aware[j] - b$aware[i]; c(e, sqrt(V[i, i] + V[j, j] - 2 * V[i, j])) })); dimnames(ch) <- NULL
  k <- degf(over); p <- 2 * pt(-abs(ch[, 1] / ch[, 2]), k)
  Q("change_by_subdistrict", "contrast", ch, list(var = "aware", by = I("subdistrict"), p_adjust = I(c("holm", "BH"))), "over", function(x) list(df = k, rows = lapply(seq_along(S), function(i) list(by = list(subdistrict = S[i]), estimate = x[i, 1], se = x[i, 2], p = p[i], p_holm = p.adjust(p, "holm")[i], p_bh = p.adjust(p, "BH")[i]))), r = "differences of svyby(~aware, ~subdistrict+wave, over, svymean, covmat=TRUE); p.adjust", tol = 1e-8)
})
