# cases_area.R - small areas on made-up data. Needs package sae (CRAN 1.3) for Fay-Herriot; make.R leaves these
# cases as they are where it is not installed. VGAM (Debian r-cran-vgam) is a cross-check only.
library(sae)

CASE("p21-fay-herriot-communities", "120 communities with n = 5..30: Fay-Herriot on rates and on the satisfaction score, arcsine version, benchmarking, A = 0", "sae",
  data = list(area = "data/syn_area.csv"),
  notes = "Sampling variances are smoothed: D_i = P(1-P)/n_i with P the pooled rate of the subdistrict (rates; the samples are SRS within the community, deff 1); D_i = s2pool/n_i with s2pool the pooled within-community variance (score). Direct variances from n = 5..30 are unusable (zero when p is 0 or 1).", body = {
  ENVPKG("sae"); area$p <- area$y_aware / area$n; area$q <- area$y_participate / area$n
  P1 <- tapply(area$y_aware, area$subdistrict, sum) / tapply(area$n, area$subdistrict, sum); P2 <- tapply(area$y_participate, area$subdistrict, sum) / tapply(area$n, area$subdistrict, sum)
  pa <- as.numeric(P1[as.character(area$subdistrict)]); pq <- as.numeric(P2[as.character(area$subdistrict)])
  D1 <- pa * (1 - pa) / area$n; D2 <- pq * (1 - pq) / area$n
  ok <- area$n > 1; s2p <- sum((area$n[ok] - 1) * area$sat_s2[ok]) / sum(area$n[ok] - 1); D3 <- s2p / area$n
  Q("inputs", "smoothed_variance", list(pooled = P1, s2 = s2p), list(), NULL, function(x) list(pooled_aware = as.list(x$pooled), s2pool_sat = x$s2, D_aware = I(D1), D_participate = I(D2)), r = "see notes")
  X <- model.matrix(~x1, area)
  for (m in c("REML", "ML", "FH")) fh_case(paste0("aware_", tolower(m)), p ~ x1, D1, area, m, X, area$p, list(y = "y_aware/n", vardir = "D_aware", X = I(c("1", "x1")), method = m))
  for (m in c("REML", "ML", "FH")) fh_case(paste0("aware_nocov_", tolower(m)), p ~ 1, D1, area, m, model.matrix(~1, area), area$p, list(y = "y_aware/n", vardir = "D_aware", X = I("1"), method = m))
  fit <- fh_case("participate_reml", q ~ x2, D2, area, "REML", model.matrix(~x2, area), area$q, list(y = "y_participate/n", vardir = "D_participate", X = I(c("1", "x2")), method = "REML"))
  fh_case("sat_reml", sat_mean ~ 1, D3, area, "REML", model.matrix(~1, area), area$sat_mean, list(y = "sat_mean", vardir = "s2pool/n", X = I("1"), method = "REML"))
  D0 <- 12 * D1; A0 <- fh_reml(area$p, X, D0); b0 <- fh_blup(area$p, X, D0, A0); g0 <- fh_g(X, D0, A0); stopifnot(A0 == 0)
  dz <- area; dz$.D <- D0; s0 <- suppressWarnings(eblupFH(p ~ x1, .D, method = "REML", data = dz))
  Q("aware_A_zero", "fay_herriot", list(), list(y = "y_aware/n", vardir = "12*D_aware", X = I(c("1", "x1")), method = "REML"), NULL, function(x) list(A = A0, beta = I(b0$beta), gamma = I(b0$gamma), eblup = I(b0$eblup), mse = I(g0$mse_reml), sae_converged = s0$fit$convergence), tol = 1e-7, r = "fh_reml(), fh_blup(), fh_g() of r/methods.R",
    note = "REML optimum on the boundary A = 0: every estimate is the regression value, MSE = g2 + 2 g3. sae's Fisher scoring stops or walks below zero here; maximise the restricted likelihood on A >= 0 instead")
  # arcsine
  z <- asin(sqrt(area$p)); Dz <- 1 / (4 * area$n); A <- fh_reml(z, X, Dz); b <- fh_blup(z, X, Dz, A); g <- fh_g(X, Dz, A)
  Q("aware_arcsine", "fay_herriot_arcsine", list(A = A, b = b, g = g), list(y = "asin(sqrt(y_aware/n))", vardir = "1/(4 n)", X = I(c("1", "x1")), method = "REML"), NULL, function(x) list(A = x$A, beta = I(x$b$beta), eblup_z = I(x$b$eblup), mse_z = I(x$g$mse_reml),
     naive = I(sin(pmin(pi/2, pmax(0, x$b$eblup)))^2), bias_corrected = I(sin2_bc(x$b$eblup, Dz * x$b$gamma))), tol = 1e-7, r = "fh_reml(), fh_blup(), sin2_bc() of r/methods.R",
     note = "bias corrected = E sin^2(N(eblup, g1)) with g1 = gamma*D, closed form 1/2 - exp(-2 g1) cos(2 eblup)/2 (no truncation to [0, pi/2])")
  # benchmarking to the population-weighted direct district value
  f <- fh_blup(area$p, X, D1, fh_reml(area$p, X, D1)); tgt <- sum(area$N * area$p) / sum(area$N)
  Q("benchmark_ratio", "benchmark", f$eblup * tgt / (sum(area$N * f$eblup) / sum(area$N)), list(weights = "N", target = "N-weighted mean of direct y_aware/n", kind = "ratio", input = "aware_reml eblup"), NULL, function(x) list(target = tgt, values = I(x)), tol = 1e-7)
  Q("benchmark_difference", "benchmark", f$eblup + tgt - sum(area$N * f$eblup) / sum(area$N), list(weights = "N", target = "N-weighted mean of direct y_aware/n", kind = "difference", input = "aware_reml eblup"), NULL, function(x) list(target = tgt, values = I(x)), tol = 1e-7)
  # out-of-sample communities: synthetic prediction with MSE A + x'Qx
  s <- 1:90; A9 <- fh_reml(area$p[s], X[s, ], D1[s]); b9 <- fh_blup(area$p[s], X[s, ], D1[s], A9); Q9 <- solve(crossprod(X[s, ], X[s, ] / (A9 + D1[s]))); xo <- X[91:120, ]
  Q("unsampled", "synthetic_prediction", list(), list(fit_rows = "1..90", predict_rows = "91..120", y = "y_aware/n", vardir = "D_aware", X = I(c("1", "x1"))), NULL, function(x) list(A = A9, beta = I(b9$beta), prediction = I(as.numeric(xo %*% b9$beta)), mse = I(A9 + rowSums((xo %*% Q9) * xo))), tol = 1e-7, r = "x'beta; A + x' Q x")
  Q("accuracy_vs_truth", "information", list(), list(), NULL, function(x) list(rmse_direct = sqrt(mean((area$p - area$true_aware)^2)), rmse_eblup = sqrt(mean((f$eblup - area$true_aware)^2)), rmse_synthetic = sqrt(mean((f$fitted - area$true_aware)^2))), r = "root mean squared error against true_aware over 120 communities")
})

CASE("p22-beta-binomial", "Beta-binomial empirical Bayes for community rates (maximum likelihood and moments)", "sae",
  data = list(area = "data/syn_area.csv"), body = {
  for (v in c("aware", "participate")) for (deff in c(1, 1.3)) {
    n <- area$n / deff; y <- area[[paste0("y_", v)]] / deff; ml <- bb_mle(y, n); mm <- bb_mom(y, n); po <- bb_post(y, n, ml$mu, ml$phi); pm <- bb_post(y, n, mm$mu, mm$phi)
    Q(sprintf("%s_deff%g", v, deff), "beta_binomial", list(), list(y = paste0("y_", v, "/deff"), n = "n/deff", deff = deff), NULL, function(x) list(ml = list(mu = ml$mu, phi = ml$phi, rho = 1 / (1 + ml$phi), loglik_kernel = ml$loglik), moments = list(mu = mm$mu, phi = mm$phi, rho = mm$rho),
        post_mean = I(po$mean), post_sd = I(po$sd), lower95 = I(po$lower), upper95 = I(po$upper), post_mean_moments = I(pm$mean)), tol = 2e-6, r = "bb_mle(), bb_mom(), bb_post() of r/methods.R", note = "loglik without the binomial coefficients (they do not depend on the parameters; undefined for fractional counts); intervals ignore hyper-parameter uncertainty")
  }
  if (requireNamespace("VGAM", quietly = TRUE)) { a <- area; fit <- suppressWarnings(VGAM::vglm(cbind(y_aware, n - y_aware) ~ 1, VGAM::betabinomial, data = a, epsilon = 1e-12, maxit = 200)); cf <- VGAM::Coef(fit); m1 <- bb_mle(area$y_aware, area$n)
    .case$crosscheck <<- list(VGAM = pkgv("VGAM"), mu_rel_diff_below = if (abs(cf[1] / m1$mu - 1) < 1e-5) 1e-5 else 1, rho_rel_diff_below = if (abs(cf[2] * (1 + m1$phi) - 1) < 1e-3) 1e-3 else 1) }
})

CASE("p33-end-to-end", "From door-to-door rows to a published table: raked district and subdistrict rates with intervals, smoothed community rates, change flags", "pipeline",
  data = list(hh = "data/syn_hh.csv", census = "data/syn_census.csv", com = "data/syn_communities.csv"), body = {
  ms <- function(v) { t <- aggregate(census$N, census[v], sum); names(t) <- c(v, "Freq"); t }; M <- list(ms("subdistrict"), ms("age"), ms("sex"))
  tt <- function(f, data, ms) { X <- colnames(model.matrix(f, data)); v <- c(`(Intercept)` = sum(ms[[1]]$Freq)); for (m in ms) { x <- m$Freq; names(x) <- paste0(names(m)[1], m[[1]]); v <- c(v, x) }; v[X] }
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w")
  DD("rk", "d", "rake", calibrate(d, ~subdistrict + age + sex, tt(~subdistrict + age + sex, hh, M), calfun = "raking", epsilon = 1e-13, maxit = 500), list(margins_from = list(file = "data/syn_census.csv", value = "N", vars = I(c("subdistrict", "age", "sex"))), variance = "greg-residual"))
  k <- degf(rk)
  Q("district_two_rates", "published_rate", NULL, list(vars = I(c("aware", "participate", "top2")), na_rm = TRUE, interval = "kg_capped and xlogit"), "rk", function(x) list(df = k, rows = lapply(c("aware", "participate", "top2"), function(v) { m <- svymean(as.formula(paste0("~", v)), rk, na.rm = TRUE, deff = TRUE); p <- as.numeric(coef(m)); s <- as.numeric(SE(m)); n <- sum(!is.na(hh[[v]]))
    list(var = v, n = n, estimate = p, se = s, n_eff = p * (1 - p) / s^2, kg_capped = I(ci_prop(p, s, n, k, .95, "kg_capped")), xlogit = I(ci_prop(p, s, n, k, .95, "xlogit"))) })), tol = 1e-8, r = "svymean(~v, rk, na.rm=TRUE); ci_prop()")
  b <- svyby(~aware, ~subdistrict, rk, svymean); n <- as.integer(table(hh$subdistrict))
  Q("subdistrict_aware", "published_rate", b, list(var = "aware", by = I("subdistrict"), interval = "kg_capped, df = degf of the domain"), "rk", function(x) list(rows = lapply(1:8, function(i) { dk <- degf(subset(rk, subdistrict == x$subdistrict[i])); list(by = list(subdistrict = as.character(x$subdistrict[i])), n = n[i], df = dk, estimate = x$aware[i], se = x$se[i], kg_capped = I(ci_prop(x$aware[i], x$se[i], n[i], dk, .95, "kg_capped"))) })), tol = 1e-8)
  # community smoothing: direct raked rate, generalised variance D = deffbar * P(1-P)/n, Fay-Herriot REML with x1, benchmark to the district rate
  cb <- svyby(~aware, ~community, rk, svymean); cc <- com[match(as.character(cb$community), as.character(com$community)), ]; nn <- as.numeric(table(hh$community)[as.character(cb$community)]); m <- svymean(~aware, rk, deff = "replace"); P <- as.numeric(coef(m)); df <- as.numeric(deff(m))
  Dv <- df * P * (1 - P) / nn; X <- cbind(1, cc$x1); A <- fh_reml(cb$aware, X, Dv); f <- fh_blup(cb$aware, X, Dv, A); g <- fh_g(X, Dv, A); Wc <- as.numeric(tapply(weights(rk), hh$community, sum)[as.character(cb$community)]); tgt <- sum(Wc * cb$aware) / sum(Wc); bm <- f$eblup * tgt / (sum(Wc * f$eblup) / sum(Wc))
  Q("community_aware", "pipeline_sae", bm, list(var = "aware", by = I("community"), D = "deff(replace, district) * P(1-P)/n", X = I(c("1", "x1")), benchmark = "ratio, weights = sum of raked weights in the community, target = their weighted mean of direct rates"), "rk", function(x) list(P = P, deff = df, A = A, beta = I(f$beta), target = tgt, rows = lapply(seq_along(x), function(i) list(community = as.character(cb$community[i]), n = nn[i], direct = cb$aware[i], D = Dv[i], eblup = f$eblup[i], rmse = sqrt(g$mse_reml[i]), benchmarked = x[i]))), tol = 1e-7, r = "svyby, fh_reml(), fh_blup(), fh_g() of r/methods.R")
})

CASE("p34-qr-as-covariate", "The QR community rate as a covariate of a Fay-Herriot model whose response is the door-to-door rate", "pipeline",
  data = list(hh = "data/syn_hh.csv", qr = "data/syn_qr.csv", com = "data/syn_communities.csv"),
  notes = "Response: weighted direct rate of the communities with door-to-door answers, D = deff(replace, whole sample) * P(1-P)/n. Covariate: unweighted QR rate of the community. The regression absorbs the QR selection bias instead of adding biased answers to the sample. Communities without door-to-door answers get the synthetic prediction.", body = {
  D("d", "hh", ids = "building", strata = "subdistrict", weights = "w"); b <- svyby(~aware, ~community, d, svymean); m <- svymean(~aware, d, deff = "replace"); P <- as.numeric(coef(m)); df <- as.numeric(deff(m))
  C <- as.character(com$community); z <- as.numeric(tapply(qr$aware, factor(qr$community, C), mean)); nq <- as.numeric(table(factor(qr$community, C))); i <- match(as.character(b$community), C); n <- as.numeric(table(hh$community)[as.character(b$community)]); Dv <- df * P * (1 - P) / n
  X <- cbind(1, z[i]); A <- fh_reml(b$aware, X, Dv); f <- fh_blup(b$aware, X, Dv, A); g <- fh_g(X, Dv, A); Qm <- solve(crossprod(X, X / (A + Dv))); Xa <- cbind(1, z); pred <- as.numeric(Xa %*% f$beta); pred[i] <- f$eblup; mse <- A + rowSums((Xa %*% Qm) * Xa); mse[i] <- g$mse_reml
  Q("model", "pipeline_sae", NULL, list(var = "aware", by = I("community"), X = I(c("1", "unweighted QR rate")), D = "deff(replace) * P(1-P)/n"), "d", function(x) list(P = P, deff = df, A = A, beta = I(f$beta), rows = lapply(seq_along(C), function(k) list(community = C[k], n_door = if (k %in% i) n[match(k, i)] else 0, n_qr = nq[k], qr_rate = z[k], estimate = pred[k], rmse = sqrt(mse[k])))), tol = 1e-7, r = "fh_reml(), fh_blup(), fh_g(); x'beta and A + x'Qx where no door-to-door answers exist")
  t <- com$true_aware; rm <- function(v, k = seq_along(C)) sqrt(mean((v[k] - t[k])^2)); Q("accuracy_vs_truth", "information", NULL, list(), NULL, function(x) list(bias_qr = mean(z - t), rmse_qr = rm(z), bias_model = mean(pred - t), rmse_model = rm(pred), rmse_direct_sampled = sqrt(mean((b$aware - t[i])^2)), rmse_model_sampled = rm(pred, i)), r = "against true_aware")
})

# rows made by integer arithmetic (README, section "Generated rows"): no CSV needed, the same rows come out of any language
gen_rows <- function(N, seed = 20240601) { M <- 2147483647; i <- as.numeric(seq_len(N))
  u <- function(k) { x <- (i * 69069 + k * 40692001 + seed) %% M; for (r in 1:5) x <- (x * (floor(x / 1024) + 1) + 1013904223) %% M; x / M }
  c <- floor(120 * u(1)); a <- floor(6 * u(3)); aw <- as.integer(u(6) < .3 + .4 * c / 119 + .02 * a)
  data.frame(community = as.integer(c), subdistrict = as.integer(c %/% 15), psu = as.integer(40 * c + floor(40 * u(2))), age = as.integer(a), sex = as.integer(floor(2 * u(4))), w = (100 + floor(900 * u(5))) / 100, aware = aw, participate = as.integer(u(7) < .2 + .3 * aw), sat = as.integer(floor(101 * (.35 * u(8) + .65 * u(9))))) }
