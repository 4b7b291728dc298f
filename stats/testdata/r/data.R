# data.R - the synthetic district behind the cases. Everything random uses set.seed; nothing in it is about real people.
# ---- synthetic finite population of adults -------------------------------------------------
AGE <- c("18-24","25-34","35-44","45-54","55-64","65+"); SEX <- c("F","M")
sim_pop <- function(seed, nsub = 8, ncom = 120, nbld = c(14, 34), nhh = c(10, 30)) {
  set.seed(seed)
  com <- data.frame(community = sprintf("C%03d", seq_len(ncom)), subdistrict = sprintf("S%d", rep(seq_len(nsub), length.out = ncom)))
  com <- com[order(com$subdistrict, com$community), ]
  com$u <- rnorm(ncom, 0, .45); com$us <- rnorm(ncom, 0, 5)
  com$x1 <- round(com$u * .6 + rnorm(ncom, 0, .3), 4)            # area covariate correlated with the truth
  com$x2 <- round(rnorm(ncom), 4)
  com$nb <- sample(nbld[1]:nbld[2], ncom, TRUE)
  bld <- com[rep(seq_len(ncom), com$nb), c("community","subdistrict","u","us")]
  bld$building <- paste0(bld$community, "-B", sprintf("%02d", sequence(com$nb)))
  bld$v <- rnorm(nrow(bld), 0, .4); bld$vs <- rnorm(nrow(bld), 0, 4); bld$nh <- sample(nhh[1]:nhh[2], nrow(bld), TRUE)
  hh <- bld[rep(seq_len(nrow(bld)), bld$nh), ]; hh$hh <- paste0(hh$building, "-H", sprintf("%02d", sequence(bld$nh)))
  hh$adults <- sample(1:5, nrow(hh), TRUE, c(.28, .46, .15, .08, .03)); hh$owner <- rbinom(nrow(hh), 1, .68)
  p <- hh[rep(seq_len(nrow(hh)), hh$adults), ]; n <- nrow(p)
  p$person <- sequence(hh$adults)
  ia <- sample(6, n, TRUE, c(.12, .19, .18, .19, .16, .16)); p$age <- AGE[ia]; p$sex <- SEX[1 + rbinom(n, 1, .485)]
  p$net <- rbinom(n, 1, plogis(2.4 - .75 * (ia - 2)))
  e <- -.35 + .16 * (ia - 3.5) + .15 * (p$sex == "F") + .35 * p$owner + p$u + p$v
  p$aware <- rbinom(n, 1, plogis(e))
  p$participate <- rbinom(n, 1, plogis(-2.2 + 1.7 * p$aware + .25 * (p$net == 1) + .5 * p$u))
  th <- rnorm(n, 0, 9) + p$us + p$vs
  q <- sapply(1:6, function(k) pmin(100, pmax(0, round(70 + c(2, -4, 6, 0, -8, 3)[k] + c(1, .9, .7, .5, .8, .3)[k] * th + 3 * p$aware + rnorm(n, 0, 10 + k)))))
  colnames(q) <- paste0("q", 1:6)
  p <- cbind(p, q)
  p$sat <- pmin(100, pmax(0, round(.34 * q[, 1] + .22 * q[, 2] + .14 * q[, 3] + .08 * q[, 4] + .20 * q[, 5] + 2 + 2 * p$participate + rnorm(n, 0, 6))))
  p$top2 <- as.integer(p$sat >= 80)
  list(person = p, hh = hh, bld = bld, com = com)
}
# stratified three-stage sample: buildings within subdistrict, households within building, one adult in the household
draw_hh <- function(P, seed, npsu = 12, nhh = 8, keep = NULL, item_nr = .06) {
  set.seed(seed)
  N1 <- table(P$bld$subdistrict); bl <- character()
  for (s in names(N1)) {
    all <- P$bld$building[P$bld$subdistrict == s]; k <- intersect(keep, all)
    bl <- c(bl, sort(c(k, sample(setdiff(all, k), npsu - length(k)))))
  }
  out <- do.call(rbind, lapply(bl, function(b) {
    h <- P$hh[P$hh$building == b, ]; M <- nrow(h); m <- min(nhh, M); h <- h[sort(sample(M, m)), ]
    h$n_bld <- as.integer(N1[h$subdistrict]); h$n_hh <- M; h$m <- m; h }))
  out$pick <- vapply(out$adults, function(a) sample.int(a, 1), 1L)
  key <- paste(out$hh, out$pick); pk <- paste(P$person$hh, P$person$person); i <- match(key, pk)
  d <- cbind(out[, c("subdistrict","community","building","hh","adults","n_bld","n_hh")],
             P$person[i, c("age","sex","owner","net","aware","participate","sat","top2", paste0("q", 1:6))])
  d$w <- round((d$n_bld / npsu) * (d$n_hh / out$m) * d$adults, 6)
  d$interviewer <- sprintf("I%02d", as.integer(factor(d$building)) %% 16 + 1)
  iv <- rnorm(16, 0, 3.2); d$sat <- pmin(100, pmax(0, round(d$sat + iv[as.integer(substr(d$interviewer, 2, 3))])))
  d$top2 <- as.integer(d$sat >= 80)
  nr <- function(x, r) { x[runif(length(x)) < r] <- NA; x }
  d$sat <- nr(d$sat, item_nr); d$top2[is.na(d$sat)] <- NA; d$participate <- nr(d$participate, item_nr / 2)
  for (k in 1:6) d[[paste0("q", k)]] <- nr(d[[paste0("q", k)]], item_nr / 3)
  d$dur <- round(exp(rnorm(nrow(d), log(240), .45)))
  rownames(d) <- NULL; d
}
draw_qr <- function(P, seed, b0 = -5.1) {
  set.seed(seed); p <- P$person; ia <- match(p$age, AGE)
  pi <- plogis(b0 - .28 * (ia - 3.5) + .9 * p$net + .35 * (p$sex == "F") + .45 * p$aware + .2 * p$owner + .5 * p$u)
  s <- p[runif(nrow(p)) < pi, c("subdistrict","community","age","sex","owner","net","aware","participate","sat","top2", paste0("q", 1:6))]
  s$sat[runif(nrow(s)) < .05] <- NA; s$top2[is.na(s$sat)] <- NA
  s <- cbind(id = seq_len(nrow(s)), s); rownames(s) <- NULL; s
}
census <- function(P) { t <- as.data.frame(table(community = P$person$community, age = P$person$age, sex = P$person$sex), stringsAsFactors = FALSE)
  t$subdistrict <- P$com$subdistrict[match(t$community, P$com$community)]
  t <- t[order(t$subdistrict, t$community, t$age, t$sex), c("subdistrict","community","age","sex","Freq")]; names(t)[5] <- "N"; t }
communities <- function(P) { c0 <- P$com[, c("subdistrict","community","x1","x2")]
  c0$N <- as.integer(table(P$person$community)[c0$community]); c0$n_bld <- P$com$nb
  c0$n_hh <- as.integer(table(P$hh$community)[c0$community])
  tr <- function(v) round(as.numeric(tapply(P$person[[v]], P$person$community, mean)[c0$community]), 6)
  c0$true_aware <- tr("aware"); c0$true_participate <- tr("participate"); c0$true_sat <- tr("sat"); c0 }

# simple random samples of 5..30 persons in every community: input of the small-area cases
draw_area <- function(P, seed, sizes = 5:30, empty = 0) {
  set.seed(seed); p <- P$person; ix <- split(seq_len(nrow(p)), p$community)[P$com$community]
  n <- sample(sizes, length(ix), TRUE); if (empty > 0) n[sample(length(n), empty)] <- 0L
  s <- mapply(function(i, k) if (k > 0) sample(i, k) else integer(), ix, n, SIMPLIFY = FALSE)
  d <- communities(P)[, c("subdistrict","community","N","x1","x2","true_aware","true_participate","true_sat")]
  d$n <- as.integer(n)
  for (v in c("aware","participate","top2")) d[[paste0("y_", v)]] <- as.integer(vapply(s, function(i) sum(p[[v]][i]), 0))
  d$sat_mean <- round(vapply(s, function(i) if (length(i)) mean(p$sat[i]) else NA_real_, 0), 6)
  d$sat_s2 <- round(vapply(s, function(i) if (length(i) > 1) var(p$sat[i]) else NA_real_, 0), 6); d
}
stack_waves <- function(h1, h2, cols) { x <- rbind(cbind(wave = 1L, h1[, cols]), cbind(wave = 2L, h2[, cols])); x$wave_sub <- paste0("w", x$wave, "-", x$subdistrict); x$wave_bld <- paste0("w", x$wave, "-", x$building); x }
# questionnaire paradata with planted defects, for the quality indices
sim_quality <- function(seed, n = 400, k = 20) {
  set.seed(seed); f <- rnorm(n); L <- runif(k, .4, .85)
  x <- sapply(1:k, function(j) findInterval(L[j] * f + sqrt(1 - L[j]^2) * rnorm(n), c(-1.4, -.5, .4, 1.2)) + 1L)
  rev <- c(4, 9, 15); rev <- rev[rev <= k]; x[, rev] <- 6L - x[, rev]
  x[1:8, ] <- sample(1:5, 8, TRUE)                                  # straight-liners
  x[9:16, ] <- matrix(sample(1:5, 8 * k, TRUE), 8)                  # random responders
  for (i in 17:24) { x[i, ] <- x[i + 100, ]; j <- sample(k, sample(0:2, 1)); if (length(j)) x[i, j] <- sample(1:5, length(j), TRUE) }  # near duplicates
  iv <- sample(sprintf("I%02d", 1:12), n, TRUE); iv[17:24] <- "I07"
  dur <- round(exp(rnorm(n, log(300), .4))); dur[1:8] <- sample(30:70, 8, TRUE)
  m <- matrix(runif(n * k) < .015, n); m[1:24, ] <- FALSE; x[m] <- NA
  d <- data.frame(id = 1:n, interviewer = iv, dur = dur, x); names(d)[-(1:3)] <- sprintf("v%02d", 1:k)
  d$score <- pmin(100, pmax(0, round(rnorm(n, 72, 14)))); h <- runif(n) < .35; d$score[h] <- round(d$score[h] / 10) * 10; d
}
export_syn <- function() {
  P <- sim_pop(20251)
  wcsv(census(P), "data/syn_census.csv"); wcsv(communities(P), "data/syn_communities.csv")
  h1 <- draw_hh(P, 1); wcsv(h1, "data/syn_hh.csv")
  keep <- unlist(lapply(split(h1$building, h1$subdistrict), function(b) unique(as.character(b))[1:6]))
  h2 <- draw_hh(P, 2, keep = keep)
  h2$aware <- pmax(h2$aware, rbinom(nrow(h2), 1, .12))               # a real rise in awareness in wave 2
  cols <- c("subdistrict","community","building","hh","adults","n_bld","n_hh","age","sex","aware","participate","sat","top2","w")
  wcsv(stack_waves(h1, h2, cols), "data/syn_waves.csv")
  wcsv(cbind(draw_qr(P, 3), one = 1L), "data/syn_qr.csv")
  wcsv(draw_area(P, 4), "data/syn_area.csv")
  wcsv(sim_quality(11), "data/syn_quality.csv")
  invisible(P)
}
