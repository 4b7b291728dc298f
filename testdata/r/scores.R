# Computes the scores of a wave from its exported answers with R's survey package.
#
#   Rscript scores.R FOLDER
#
# FOLDER holds
#   responses.csv   the export of the wave (GET /api/v1/waves/{wave}/responses.csv)
#   margins.csv     mode, margin, category, target: the population margins
#   places.csv      code, prefix: the places to estimate for
#   indicators.csv  code, kind: share or mean
# and receives scores.csv: mode, area, indicator, n, estimate, se, low, high, deff.
#
# Weights: calibrate(calfun = "raking"). Standard errors: svymean on the
# calibrated design. Intervals and the combination of the two samples are written
# out below, because survey has no function for them.
suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "remove", stringsAsFactors = FALSE)
folder <- commandArgs(TRUE)[1]
path <- function(name) file.path(folder, name)
text <- c(community = "character", stratum = "character", psu = "character", margin_place = "character",
          margin_age = "character", margin_sex = "character")
answers <- read.csv(path("responses.csv"), colClasses = text, fileEncoding = "UTF-8-BOM", check.names = FALSE)
answers <- answers[answers$in_base == 1, ]
margins <- read.csv(path("margins.csv"), colClasses = c(category = "character", target = "numeric"))
places <- read.csv(path("places.csv"), colClasses = "character")
indicators <- read.csv(path("indicators.csv"))

level <- .95; trusted <- 8; least <- 5

exact <- function(p, m) {
  a <- (1 - level) / 2
  c(if (p <= 0) 0 else qbeta(a, m * p, m * (1 - p) + 1), if (p >= 1) 1 else qbeta(1 - a, m * p + 1, m * (1 - p)))
}
# Wilson's interval for Korn and Graubard's effective size, or for the one that the design effect of the whole sample leaves.
published <- function(p, v, n, df, deff) {
  deff <- max(1, deff); z <- qnorm((1 + level) / 2)
  m <- if (df >= trusted && n * min(p, 1 - p) >= 10 && v > 0) min(n, p * (1 - p) / v * (qt(.975, n - 1) / qt(.975, df))^2)
       else if (p > 0 && p < 1) p * (1 - p) / max(v, deff * p * (1 - p) / n) else n / deff
  ci <- (p + z^2 / (2 * m) + c(-1, 1) * z / (2 * m) * sqrt(4 * m * p * (1 - p) + z^2)) / (1 + z^2 / m)
  # Brown, Cai and DasGupta (2001), section 4.1.1
  rare <- function(x) if (x > (if (n <= 50) 2 else 3)) 1 else qgamma(1 - level, x) / n
  c(max(0, min(ci[1], rare(n * p))), min(1, max(ci[2], 1 - rare(n * (1 - p)))))
}
borrowed <- function(p, v, n, deff) {
  deff <- max(1, deff)
  exact(p, if (p > 0 && p < 1) p * (1 - p) / max(v, deff * p * (1 - p) / n) else n / deff)
}
logit_t <- function(p, v, df) plogis(qlogis(p) + c(-1, 1) * qt(.975, df) * sqrt(v) / (p * (1 - p)))

weighted <- function(mode) {
  d <- answers[answers$mode == mode, ]
  targets <- margins[margins$mode == mode, ]
  names <- c(place = "margin_place", age = "margin_age", sex = "margin_sex")
  total <- sum(targets$target[targets$margin == "place"])
  d$start <- d$weight_base * d$weight_response
  d$start <- d$start * total / sum(d$start)
  totals <- c("(Intercept)" = total); terms <- c()
  for (m in names(names)) {
    t <- targets[targets$margin == m, ]
    if (nrow(t) < 2) next
    column <- names[[m]]
    d[[column]] <- factor(d[[column]], levels = t$category)
    totals <- c(totals, setNames(t$target[-1] * total / sum(t$target), paste0(column, t$category[-1])))
    terms <- c(terms, column)
  }
  design <- if (mode == "visit") svydesign(ids = ~psu, strata = ~stratum, weights = ~start, data = d)
            else svydesign(ids = ~1, weights = ~start, data = d)
  if (length(terms) == 0) return(design)
  calibrate(design, as.formula(paste("~", paste(terms, collapse = "+"))), totals, calfun = "raking", epsilon = 1e-13, maxit = 2000)
}

# answered is the domain of those inside who have a value. The rows outside stay
# in a calibrated design with weight 0, so they must have some value.
answered <- function(design, y, inside) {
  design$variables$.y <- ifelse(is.na(y), 0, y)
  design[inside & !is.na(y), ]
}

# figure returns the estimate of one indicator in one place, on 0..1, or NULL.
figure <- function(design, inside, y, share, whole) {
  n <- sum(inside & !is.na(y))
  if (n == 0) return(NULL)
  part <- answered(design, y, inside)
  m <- svymean(~.y, part)
  p <- as.numeric(coef(m)) / 100; v <- as.numeric(vcov(m)) / 1e4; df <- degf(part)
  # survey returns a standard error of rounding size where all answers agree
  w <- weights(part); z <- part$variables$.y / 100
  srs <- if (n > 1) sum(w * (z - p)^2) / sum(w) * n / (n - 1) / n else NaN
  if (!is.nan(srs) && srs < 1e-20) srs <- 0
  if (v < 1e-20) v <- 0
  if (abs(p) < 1e-12) p <- 0
  if (abs(p - 1) < 1e-12) p <- 1
  out <- list(n = n, p = p, df = df, whole = whole, borrowed = FALSE)
  if (df < trusted && n > 1) { v <- max(v, max(1, whole) * srs); out$df <- n - 1; out$borrowed <- TRUE }
  v <- min(v, .25) # no estimate between 0 and 1 varies more
  out$v <- v
  out$deff <- if (!is.nan(srs) && srs > 0) v / srs else max(1, whole)
  out$neff <- n / out$deff
  out$ci <- if (n < 2) NULL
            else if (share) published(p, v, n, df, whole)
            else if (p == 0 || p == 1) borrowed(p, v, n, whole)
            else if (v == 0) NULL
            else logit_t(p, v, out$df)
  out
}

combine <- function(visit, scan, share) {
  usable <- function(f) !is.null(f) && f$n >= least && !is.null(f$ci)
  if (!(usable(visit) && usable(scan))) {
    if (usable(visit) || (!is.null(visit) && is.null(scan))) return(visit)
    if (usable(scan) || !is.null(scan)) return(scan)
    return(visit)
  }
  # where all answers agree, the variance of a proportion of a yes and a no more
  doubt <- function(f) if (f$v > 0) f$v else { q <- (f$n * f$p + 1) / (f$n + 2); max(1, f$whole) * q * (1 - q) / f$n }
  vp <- doubt(visit); vn <- doubt(scan)
  bias2 <- max(0, (scan$p - visit$p)^2 - vp - vn)
  share_prob <- (vn + bias2) / (vp + vn + bias2)
  p <- share_prob * visit$p + (1 - share_prob) * scan$p
  v <- min(vp + (p - visit$p)^2, .25)
  n <- visit$n + scan$n; whole <- max(visit$whole, scan$whole)
  srs <- if (share) p * (1 - p) / n else (share_prob * vp * visit$neff + (1 - share_prob) * vn * scan$neff) / n
  list(n = n, p = p, v = v, whole = whole, deff = if (srs > 0 && v > 0) v / srs else max(1, whole),
       ci = if (p <= 0 || p >= 1 || v == 0) borrowed(p, v, n, whole) else logit_t(p, v, min(visit$df, scan$df)))
}

rows <- list()
add <- function(mode, area, indicator, f) if (!is.null(f)) rows[[length(rows) + 1]] <<- data.frame(
  mode = mode, area = area, indicator = indicator, n = f$n, estimate = 100 * f$p, se = 100 * sqrt(f$v),
  low = if (is.null(f$ci)) NA else 100 * f$ci[1], high = if (is.null(f$ci)) NA else 100 * f$ci[2], deff = f$deff)
designs <- list(); for (mode in unique(answers$mode)) designs[[mode]] <- weighted(mode)
for (k in seq_len(nrow(indicators))) {
  name <- paste0("y_", indicators$code[k]); share <- indicators$kind[k] == "share"
  whole <- list(); values <- list()
  for (mode in names(designs)) {
    d <- designs[[mode]]; y <- d$variables[[name]]; values[[mode]] <- y
    w <- weights(d); part <- answered(d, y, TRUE)
    deff <- as.numeric(deff(svymean(~.y, part, deff = "replace")))
    whole[[mode]] <- if (is.finite(deff) && deff > 0 && degf(part) > 0) deff else length(w) * sum(w^2) / sum(w)^2
  }
  for (i in seq_len(nrow(places))) {
    f <- list()
    for (mode in names(designs)) {
      inside <- startsWith(designs[[mode]]$variables$community, places$prefix[i])
      f[[mode]] <- figure(designs[[mode]], inside, values[[mode]], share, whole[[mode]])
      add(mode, places$code[i], indicators$code[k], f[[mode]])
    }
    add("combined", places$code[i], indicators$code[k], combine(f[["visit"]], f[["scan"]], share))
  }
}
out <- do.call(rbind, rows)
for (column in c("estimate", "se", "low", "high", "deff")) out[[column]] <- format(out[[column]], digits = 15, scientific = FALSE, trim = TRUE)
write.csv(out, path("scores.csv"), row.names = FALSE, quote = FALSE)
