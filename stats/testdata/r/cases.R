# cases.R - the cases whose data are made up, so that they can be part of the project.

CASE("p11-ci-table", "Confidence intervals for a proportion as a pure function: a table of every method", "ci",
  data = list(tab = "data/ci_table.csv"), body = {
  # function table
  out <- NULL
  for (i in seq_len(nrow(tab))) for (m in c("wald", "xlogit", "asin", "beta", "wilson", "kg_capped", "wilson_capped")) {
    p <- tab$p[i]; if (m %in% c("xlogit", "asin", "beta", "wilson") && (p <= 0 || p >= 1)) next
    ci <- suppressWarnings(ci_prop(p, tab$se[i], tab$n[i], tab$df[i], tab$level[i], m)); out <- rbind(out, data.frame(row = i, method = m, lower = sprintf("%.12g", ci[1]), upper = sprintf("%.12g", ci[2]))) }
  wcsv(out, "expected/p11-ci-table.csv")
  .case$queries[[length(.case$queries) + 1]] <<- list(name = "function_table", stat = "ci_function", args = list(input = "data/ci_table.csv", columns = "p,se,n,df,level"), r = "ci_prop() in r/methods.R", rel_tol = 1e-9,
     note = "wald is not clipped to [0,1] here; kg_capped and wilson_capped are the product rules (n_eff <= n; n_eff = n at p = 0 or 1)", expected = list(csv = "expected/p11-ci-table.csv", rows = nrow(out)))
  Q("exact_0_of_20", "ci_function", as.numeric(binom.test(0, 20)$conf.int), list(p = 0, n = 20, method = "clopper-pearson"), conv = function(x) list(ci = I(x)), note = "kg_capped with deff 1 and no df adjustment must reproduce this")
  Q("exact_13_of_20", "ci_function", as.numeric(binom.test(13, 20)$conf.int), list(p = .65, n = 20, method = "clopper-pearson"), conv = function(x) list(ci = I(x)))
  Q("wilson_13_of_20", "ci_function", as.numeric(prop.test(13, 20, correct = FALSE)$conf.int), list(p = .65, n = 20, method = "wilson"), conv = function(x) list(ci = I(x)))
})

CASE("p12-degenerate-domains", "Communities where everybody or nobody answered yes: what survey returns and what we report", "ci",
  data = list(hh = "data/syn_hh.csv"), notes = "survey gives SE 0 at p = 0/1, and SE 0 up to rounding noise (1e-17) for EVERY community whose answers come from a single building, because the weighted deviations from the domain mean add up to zero inside it; two buildings are hardly better. Neither is information. The product uses borrowed when domain_df < 8: n_eff from max(own variance, district deff * p(1-p)/n).", body = {
  D("d", "hh", ids = c("building", "hh"), strata = "subdistrict", weights = "w", fpc = NULL)
  by <- svyby(~participate, ~community, d, svymean, na.rm = TRUE)
  n <- tapply(!is.na(hh$participate), hh$community, sum)[as.character(by$community)]
  psu <- sapply(as.character(by$community), function(c) length(unique(hh$building[hh$community == c & !is.na(hh$participate)])))
  df <- sapply(as.character(by$community), function(c) degf(subset(d, community == c)))
  Q("participate_by_community", "mean", by, list(vars = I("participate"), by = I("community"), na_rm = TRUE), "d", c_by(d))
  db <- as.numeric(deff(svymean(~participate, d, na.rm = TRUE, deff = "replace")))
  rows <- lapply(seq_len(nrow(by)), function(i) { p <- by$participate[i]; se <- by$se[i]
    list(by = list(community = as.character(by$community[i])), n = as.integer(n[i]), n_psu = as.integer(psu[i]), p = p, se = se,
         kg_capped = I(ci_prop(p, se, n[i], degf(d), .95, "kg_capped")), wilson_capped = I(ci_prop(p, se, n[i], degf(d), .95, "wilson_capped")), borrowed = I(ci_borrowed(p, se, n[i], db))) })
  .case$queries[[length(.case$queries) + 1]] <<- list(name = "product_intervals", stat = "ci_function", design = "d", args = list(var = "participate", by = I("community"), df = "design degf", n = "unweighted non-missing answers in the domain"),
     r = "ci_prop(p, se, n, degf(d), .95, method)", rel_tol = 1e-9, note = "kg_capped and wilson_capped take n_eff = n when the SE is zero or tiny and so ignore clustering; borrowed divides n by the district deff of the item", expected = list(df = degf(d), deff_district = db, rows = rows))
})

CASE("p17-rake-district", "District pipeline weights: door-to-door sample raked to subdistrict, age and sex; QR sample raked to community, age and sex", "calibration",
  data = list(hh = "data/syn_hh.csv", qr = "data/syn_qr.csv", census = "data/syn_census.csv"),
  notes = "Margins are the sums of N in data/syn_census.csv.", body = {
  ms <- function(v) { t <- aggregate(census$N, census[v], sum); names(t) <- c(v, "Freq"); t }
  m_sub <- ms("subdistrict"); m_age <- ms("age"); m_sex <- ms("sex"); m_com <- ms("community")
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  tt <- function(f, data, ms) { X <- colnames(model.matrix(f, data)); v <- c(`(Intercept)` = sum(ms[[1]]$Freq)); for (m in ms) { nm <- names(m)[1]; x <- m$Freq; names(x) <- paste0(nm, m[[1]]); v <- c(v, x) }; v[X] }
  f <- ~subdistrict + age + sex
  DD("rk", "d", "rake", calibrate(d, f, tt(f, hh, list(m_sub, m_age, m_sex)), calfun = "raking", epsilon = 1e-13, maxit = 500), list(margins_from = list(file = "data/syn_census.csv", value = "N", vars = I(c("subdistrict", "age", "sex"))), variance = "greg-residual"), weights_file = TRUE)
  stopifnot(cond_rel(weights(rk), weights(rake(d, list(~subdistrict, ~age, ~sex), list(m_sub, m_age, m_sex), control = list(maxit = 1000, epsilon = 1e-13)))) < 1e-9)
  Q("district", "mean", svymean(~aware + owner, rk, deff = TRUE), list(vars = I(c("aware", "owner")), deff = TRUE), "rk", c_stat(degf(rk), vcov = TRUE), tol = 1e-8)
  Q("district_participate", "mean", svymean(~participate, rk, na.rm = TRUE), list(vars = I("participate"), na_rm = TRUE), "rk", c_stat(degf(rk)), tol = 1e-8, note = "missing answers: the weights of the respondents are NOT re-raked; rows become zero-weight after calibration")
  Q("district_sat", "mean", svymean(~sat + top2, rk, na.rm = TRUE), list(vars = I(c("sat", "top2")), na_rm = TRUE), "rk", c_stat(degf(rk)), tol = 1e-8)
  Q("by_subdistrict", "mean", svyby(~aware, ~subdistrict, rk, svymean, deff = TRUE), list(vars = I("aware"), by = I("subdistrict"), deff = TRUE), "rk", c_by(rk, degf(rk)), tol = 1e-8)
  Q("by_age_sex", "mean", svyby(~aware, ~age + sex, rk, svymean), list(vars = I("aware"), by = I(c("age", "sex"))), "rk", c_by(rk, degf(rk)), tol = 1e-8)
  Q("by_community", "mean", svyby(~aware, ~community, rk, svymean), list(vars = I("aware"), by = I("community")), "rk", c_by(rk, degf(rk)), tol = 1e-8)
  Q("total_aware", "total", svytotal(~aware, rk), list(vars = I("aware")), "rk", c_stat(degf(rk)), tol = 1e-8)
  # QR sample: initial weight 1, 120 communities x age x sex; unequal probabilities unknown -> SE only indicative
  D("dq", "qr", weights = "one")
  DD("rq", "dq", "rake", rake(dq, list(~community, ~age, ~sex), list(m_com, m_age, m_sex), control = list(maxit = 2000, epsilon = 1e-13)), list(margins_from = list(file = "data/syn_census.csv", value = "N", vars = I(c("community", "age", "sex")))), weights_file = TRUE)
  Q("qr_estimates", "mean", svymean(~aware + participate, rq), list(vars = I(c("aware", "participate"))), "rq", function(x) { n <- names(coef(x)); list(rows = lapply(seq_along(n), function(i) list(name = n[i], estimate = as.numeric(coef(x))[i]))) }, tol = 1e-8)
  w <- weights(rq); Q("qr_kish", "kish", kish(w), list(), "rq", function(x) as.list(x), tol = 1e-8)
})

CASE("p24-composite", "Probability estimate combined with a QR estimate by estimated mean squared error (Elliott & Haviland 2007)", "nonprobability", body = {
  tb <- list(c(.50, .0009, .585, .0001), c(.50, .0009, .515, .0001), c(.50, .0009, .50, .0001), c(71.2, 1.44, 74.9, .04), c(.28, .0016, .31, .0004), c(.9, 1e-6, .2, 1e-6))
  for (i in seq_along(tb)) { t <- tb[[i]]; Q(paste0("row", i), "composite", composite(t[1], t[2], t[3], t[4]), list(prob = t[1], var_prob = t[2], nonprob = t[3], var_nonprob = t[4]), r = sprintf("composite(%g, %g, %g, %g)", t[1], t[2], t[3], t[4])) }
})

gen_rows <- function(N, seed = 20240601) { M <- 2147483647; i <- as.numeric(seq_len(N))
  u <- function(k) { x <- (i * 69069 + k * 40692001 + seed) %% M; for (r in 1:5) x <- (x * (floor(x / 1024) + 1) + 1013904223) %% M; x / M }
  c <- floor(120 * u(1)); a <- floor(6 * u(3)); aw <- as.integer(u(6) < .3 + .4 * c / 119 + .02 * a)
  data.frame(community = as.integer(c), subdistrict = as.integer(c %/% 15), psu = as.integer(40 * c + floor(40 * u(2))), age = as.integer(a), sex = as.integer(floor(2 * u(4))), w = (100 + floor(900 * u(5))) / 100, aware = aw, participate = as.integer(u(7) < .2 + .3 * aw), sat = as.integer(floor(101 * (.35 * u(8) + .65 * u(9))))) }
CASE("p35-generated-rows", "20000 generated rows: raking to 120 + 6 + 2 margins, three indicators for the district and for 120 communities", "pipeline", notes = "Rows by the generator of the README with N = 20000, seed 20240601. Strata subdistrict, clusters psu, weights w. Margins: community c: 500+10c (total T = 131400); age: T*(.12,.19,.18,.19,.16,.16); sex: T*(.52,.48).", body = {
  d <- gen_rows(20000); TT <- 131400; tot <- c(TT, 500 + 10 * 1:119, TT * c(.19, .18, .19, .16, .16), TT * .48); names(tot) <- c("(Intercept)", paste0("factor(community)", 1:119), paste0("factor(age)", 1:5), "factor(sex)1")
  Q("rows_1_to_5", "generated_rows", head(d, 5), list(N = 20000, seed = 20240601), r = "gen_rows(20000)"); Q("column_sums", "generated_rows", colSums(d), list(N = 20000, seed = 20240601), r = "colSums(gen_rows(20000))")
  d$ws <- d$w * TT / sum(d$w); des <- svydesign(ids = ~psu, strata = ~subdistrict, weights = ~ws, data = d); r <- calibrate(des, ~factor(community) + factor(age) + factor(sex), tot, calfun = "raking", epsilon = 1e-13, maxit = 200)
  Q("weights", "weights", weights(r), list(), NULL, function(x) c(wsum(x), list(first5 = I(as.numeric(x[1:5])))), tol = 1e-8, r = "calibrate(..., calfun=\"raking\")")
  Q("district", "mean", svymean(~aware + participate + sat, r), list(vars = I(c("aware", "participate", "sat"))), NULL, c_stat(degf(r), vcov = TRUE), tol = 1e-8)
  b <- svyby(~aware + participate + sat, ~community, r, svymean); o <- data.frame(community = b$community); for (v in c("aware", "participate", "sat")) { o[[v]] <- sprintf("%.12g", b[[v]]); o[[paste0("se_", v)]] <- sprintf("%.12g", b[[paste0("se.", v)]]) }; wcsv(o, "expected/p35-communities.csv")
  .case$queries[[length(.case$queries) + 1]] <<- list(name = "communities", stat = "mean", args = list(vars = I(c("aware", "participate", "sat")), by = I("community")), r = "svyby(~aware+participate+sat, ~community, r, svymean)", rel_tol = 1e-8, expected = list(csv = "expected/p35-communities.csv", rows = nrow(o)))
})
