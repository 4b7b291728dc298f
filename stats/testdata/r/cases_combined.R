# cases_combined.R - designs, calibrations and conditions in combinations that the other cases do not have.
CENSUS <- rcsv("data/syn_census.csv")
sums_of <- function(v) { t <- aggregate(CENSUS$N, CENSUS[v], sum); names(t) <- c(v, "Freq"); t }
totals_of <- function(f, data, ms) { X <- colnames(model.matrix(f, data)); v <- c(`(Intercept)` = sum(ms[[1]]$Freq)); for (m in ms) { x <- m$Freq; names(x) <- paste0(names(m)[1], m[[1]]); v <- c(v, x) }; v[X] }

for (rule in c("fail", "remove", "certainty", "adjust", "average")) CASE(paste0("c01-lonely-", rule), paste("A stratum with a single PSU under the rule", rule), "design",
  data = list(hh = "data/syn_lonely.csv"), options = list(survey.lonely.psu = rule),
  notes = "The averaged rule counts the strata that the domain has rows in. Under fail the design has weights and tables, and domains outside of the stratum have their precision.", body = {
  D("d", "hh", ids = c("building", "hh"), strata = "subdistrict", weights = "w")
  a <- list(vars = I(c("aware", "dur"))); s1 <- subset(d, subdistrict == "S1"); f <- getOption("survey.lonely.psu")
  Q("kish", "kish", kish(weights(d)), list(), "d", function(x) as.list(x))
  Q("elsewhere", "mean", svymean(~aware + dur, s1), c(a, list(domain = list(var = "subdistrict", eq = "S1"))), "d", c_stat(degf(s1)))
  if (f == "fail") {
    QERR("mean", "mean", svymean(~aware + dur, d), a, "d"); QERR("total", "total", svytotal(~aware, d), list(vars = I("aware")), "d")
  } else {
    Q("mean", "mean", svymean(~aware + dur, d, deff = TRUE), c(a, list(deff = TRUE)), "d", c_stat(degf(d), vcov = TRUE))
    if (f != "adjust") Q("total", "total", svytotal(~aware + dur, d), a, "d", c_stat(degf(d)))
    Q("by_age", "mean", svyby(~aware + dur, ~age, d, svymean), c(a, list(by = I("age"))), "d", c_by(d, degf(d)))
    Q("ratio", "ratio", svyratio(~aware, ~adults, d), list(num = "aware", den = "adults"), "d", c_stat(degf(d)))
    s2 <- subset(d, subdistrict %in% c("S1", "S3")); Q("part", "mean", svymean(~aware, s2), list(vars = I("aware"), domain = list(var = "subdistrict", `in` = I(c("S1", "S3")))), "d", c_stat(degf(s2)))
    s3 <- subset(d, subdistrict == "S3"); if (f != "adjust") Q("alone", "mean", svymean(~aware, s3), list(vars = I("aware"), domain = list(var = "subdistrict", eq = "S3")), "d", c_stat(degf(s3)))
  }
})

CASE("c02-calibrated-again", "Calibrations that follow each other, with equal factors in clusters, and with negative weights", "calibration",
  data = list(hh = "data/syn_hh.csv"), notes = "The second calibration starts from the weights of the first and takes its residuals from what that has left.", body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  hh$half <- .5; hh$third <- .3; wcsv(hh[, c("subdistrict", "building", "hh", "adults", "age", "sex", "net", "aware", "sat", "dur", "w", "half", "third")], "data/syn_half.csv"); .case$data$half <<- "data/syn_half.csv"; half <- rcsv("data/syn_half.csv")
  D("d2", "half", ids = c("building", "hh"), strata = "subdistrict", weights = "w", fpc = c("half", "third"))
  agesex <- sums_of(c("age", "sex")); sub <- sums_of("subdistrict"); sex <- sums_of("sex")
  DD("ps", "d", "poststratify", postStratify(d, ~age + sex, agesex), list(margins = marg(agesex)))
  DD("again", "ps", "rake", calibrate(ps, ~subdistrict + sex, totals_of(~subdistrict + sex, hh, list(sub, sex)), calfun = "raking", epsilon = 1e-13, maxit = 500), list(margins = marg(sub, sex)))
  tot <- c(`(Intercept)` = sum(CENSUS$N), sexM = sex$Freq[2], adults = round(1.07 * sum(hh$w * hh$adults)), net = round(1.05 * sum(hh$w * hh$net))); A <- list(formula = "~sex+adults+net", columns = I(names(tot)), totals = I(as.numeric(tot)))
  DD("third", "again", "calibrate", calibrate(again, ~sex + adults + net, tot), c(A, list(calfun = "linear")))
  DD("clusters", "d2", "calibrate", calibrate(d2, ~sex + adults + net, tot, aggregate.stage = 1, calfun = "raking", epsilon = 1e-12), c(A, list(calfun = "raking", aggregate_stage = 1)))
  DD("negative", "d", "calibrate", calibrate(d, ~sex + adults + net, tot, aggregate.stage = 1), c(A, list(calfun = "linear", aggregate_stage = 1)))
  for (k in c("again", "third", "clusters", "negative")) { x <- get(k); f <- degf(x)
    Q(paste0("mean_", k), "mean", svymean(~aware + dur, x, deff = TRUE), list(vars = I(c("aware", "dur")), deff = TRUE), k, c_stat(f, vcov = TRUE), tol = 1e-8)
    Q(paste0("sat_", k), "mean", svymean(~sat, x, na.rm = TRUE, deff = "replace"), list(vars = I("sat"), na_rm = TRUE, deff = "replace"), k, c_stat(f), tol = 1e-8)
    Q(paste0("by_age_", k), "mean", svyby(~aware + dur, ~age, x, svymean), list(vars = I(c("aware", "dur")), by = I("age")), k, c_by(x, f), tol = 1e-8)
    Q(paste0("ratio_", k), "ratio", svyratio(~aware, ~adults, subset(x, sex == "F")), list(num = "aware", den = "adults", domain = list(var = "sex", eq = "F")), k, c_stat(degf(subset(x, sex == "F"))), tol = 1e-8)
    Q(paste0("chisq_", k), "rao_scott", svychisq(~aware + age, x, statistic = "Chisq"), list(row = "aware", col = "age", statistic = "Chisq"), k, c_htest, tol = 1e-8)
    Q(paste0("kish_", k), "kish", kish(weights(x)), list(), k, function(x) as.list(x), tol = 1e-8) }
})

CASE("c03-replicate-tests", "Tests, spreads and Woodruff intervals with replicate weights", "replicates", data = list(hh = "data/syn_hh.csv"), body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w"); DD("j", "d", "jackknife", as.svrepdesign(d, type = "JKn"), list(type = "JKn", mse = FALSE)); DD("m", "d", "jackknife", as.svrepdesign(d, type = "JKn", mse = TRUE), list(type = "JKn", mse = TRUE))
  for (k in c("j", "m")) { x <- get(k)
    for (s in c("F", "Chisq", "Wald", "adjWald")) Q(paste(k, "aware_age", s, sep = "_"), "rao_scott", eval(bquote(svychisq(~aware + age, x, statistic = .(s)))), list(row = "aware", col = "age", statistic = s), k, c_htest, tol = 1e-8, r = sprintf("svychisq(~aware + age, %s, statistic=\"%s\")", k, s))
    Q(paste0(k, "_ttest"), "ttest", svyttest(dur ~ sex, x), list(y = "dur", group = "sex"), k, c_ttest, tol = 1e-8)
    Q(paste0(k, "_variance"), "variance", svyvar(~aware + dur, x), list(vars = I(c("aware", "dur"))), k, function(v) list(estimate = matrix(as.numeric(v), 2)))
    Q(paste0(k, "_woodruff"), "quantile_ci", svyquantile(~dur, x, c(.25, .5), interval.type = "mean"), list(var = "dur", probs = I(c(.25, .5)), qrule = "math", interval = "woodruff-mean"), k,
      function(q) { q <- q[[1]]; list(rows = lapply(1:2, function(i) list(quantile = q[i, 1], ci = I(as.numeric(q[i, 2:3])), se = q[i, 4]))) }) }
  for (k in c("d", "j")) for (s in c("F", "M")) { x <- eval(bquote(subset(.(as.name(k)), sex == .(s)))); Q(paste0("quantiles_", k, s), "quantile", svyquantile(~dur, x, c(.1, .5, .9), ci = FALSE, qrule = "hf7"), list(var = "dur", probs = I(c(.1, .5, .9)), qrule = "hf7", domain = list(var = "sex", eq = s)), k, function(q) list(values = I(as.numeric(q[[1]])))) }
  Q("quantiles_by_sex", "quantile", NULL, list(var = "dur", probs = I(c(.1, .5, .9)), qrule = "hf7", by = I("sex")), "d", function(q) list(rows = lapply(c("F", "M"), function(s) list(by = list(sex = s), values = I(as.numeric(svyquantile(~dur, subset(d, sex == s), c(.1, .5, .9), ci = FALSE, qrule = "hf7")[[1]]))))), r = "svyquantile(~dur, subset(d, sex == s), c(.1,.5,.9), qrule=\"hf7\", ci=FALSE)")
})

CASE("c04-conditions", "Domains by every comparison, joined and negated; names of expressions; zero weights", "design", data = list(hh = "data/syn_hh.csv"), body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  C <- list(list(list(var = "sex", ne = "F"), quote(sex != "F")), list(list(var = "dur", gt = 300), quote(dur > 300)), list(list(var = "dur", ge = 300), quote(dur >= 300)), list(list(var = "dur", lt = 300), quote(dur < 300)), list(list(var = "dur", le = 300), quote(dur <= 300)),
    list(list(var = "sat", ge = 50, lt = 80), quote(sat >= 50 & sat < 80)), list(list(var = "age", not_in = I(c("18-24", "65+"))), quote(!(age %in% c("18-24", "65+")))), list(list(var = "sat", na = TRUE), quote(is.na(sat))), list(list(not = list(var = "participate", eq = 1)), quote(!(participate == 1))),
    list(list(and = list(list(var = "sex", eq = "F"), list(or = list(list(var = "age", eq = "65+"), list(expr = "dur > 400"))))), quote(sex == "F" & (age == "65+" | dur > 400))))
  for (i in seq_along(C)) { s <- eval(bquote(subset(d, .(C[[i]][[2]])))); Q(paste0("domain_", i), "mean", svymean(~aware, s), list(vars = I("aware"), domain = C[[i]][[1]]), "d", c_stat(degf(s)), r = paste0("svymean(~aware, subset(d, ", deparse(C[[i]][[2]]), "))")) }
  E <- c("I(dur>=300)", "I(dur%%10)", "I(dur %/% 7)", "I(dur / 60)", "I(-dur ^ 2)", "I(age=='65+')", "I(1e5 * aware)", "as.numeric(!(owner==1)&net==.0)")
  for (e in E) Q(paste("name", e), "mean", svymean(as.formula(paste("~", e)), d), list(vars = I(e)), "d", c_stat(degf(d)), r = sprintf("svymean(~%s, d)", e))
  hh$w0 <- ifelse(seq_len(nrow(hh)) %% 11 == 0, 0, hh$w); wcsv(hh[, c("subdistrict", "building", "age", "sex", "aware", "w0")], "data/syn_zero.csv"); .case$data$zero <<- "data/syn_zero.csv"; zero <- rcsv("data/syn_zero.csv")
  D("z", "zero", ids = "building", strata = "subdistrict", weights = "w0")
  Q("beta_zero", "ciprop", svyciprop(~I(aware == 1), z, method = "beta"), list(event = "aware==1", method = "beta", level = .95, df = "degf"), "z", c_prop)
  Q("chisq_zero", "rao_scott", svychisq(~sex + age, z, statistic = "Chisq"), list(row = "sex", col = "age", statistic = "Chisq"), "z", c_htest, tol = 1e-8)
  for (x in 0:1) { Q(paste0("binom_", x, "_of_1"), "ci_function", as.numeric(binom.test(x, 1)$conf.int), list(p = x, n = 1, method = "clopper-pearson"), conv = function(v) list(ci = I(v)), r = sprintf("binom.test(%d, 1)$conf.int", x))
    Q(paste0("score_", 33 * x, "_of_33"), "ci_function", as.numeric(prop.test(33 * x, 33, correct = FALSE)$conf.int), list(p = x, n = 33, method = "wilson"), conv = function(v) list(ci = I(v)), r = sprintf("prop.test(%d, 33, correct=FALSE)$conf.int", 33 * x)) }
})
