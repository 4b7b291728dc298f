# lib.R - helpers that turn R results into golden cases (CSV + JSON).
# Own code. Loaded by make.R; needs R >= 4.2, package survey >= 4.1-1 (Debian 12).
invisible(Sys.setlocale("LC_ALL", "C"))
options(digits = 15, stringsAsFactors = FALSE, warn = 1, scipen = 0,
        survey.lonely.psu = "fail", survey.adjust.domain.lonely = FALSE,
        survey.ultimate.cluster = FALSE, survey.replicates.mse = FALSE,
        survey.use_rcpp = FALSE)
suppressMessages(suppressWarnings(library(survey)))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")

# ---------------------------------------------------------------- JSON writer
.str <- function(s) {
  s <- enc2utf8(as.character(s))
  s <- gsub("\\", "\\\\", s, fixed = TRUE); s <- gsub("\"", "\\\"", s, fixed = TRUE)
  s <- gsub("\n", "\\n", s, fixed = TRUE);  s <- gsub("\t", "\\t", s, fixed = TRUE)
  paste0("\"", s, "\"")
}
.num <- function(x) {                       # 12 significant digits
  out <- character(length(x))
  for (i in seq_along(x)) {
    v <- x[i]
    out[i] <- if (is.nan(v)) "\"NaN\"" else if (is.na(v)) "null" else
      if (v == Inf) "\"Inf\"" else if (v == -Inf) "\"-Inf\"" else
      { s <- sprintf("%.12g", v); if (s == "-0") "0" else s }
  }
  out
}
.atom <- function(x) {
  if (is.factor(x)) x <- as.character(x)
  if (is.logical(x)) ifelse(is.na(x), "null", ifelse(x, "true", "false"))
  else if (is.numeric(x)) .num(as.numeric(x))
  else ifelse(is.na(x), "null", .str(x))
}
json <- function(x, ind = 0) {
  pad <- strrep(" ", ind + 1); end <- strrep(" ", ind)
  if (is.null(x)) return("null")
  arr <- inherits(x, "AsIs"); if (arr) x <- unclass(x)
  if (is.matrix(x)) {
    rows <- apply(x, 1, function(r) paste0("[", paste(.atom(as.vector(r)), collapse = ","), "]"))
    return(paste0("[", paste(rows, collapse = paste0(",\n", pad)), "]"))
  }
  if (is.list(x)) {
    if (length(x) == 0) return(if (is.null(names(x))) "[]" else "{}")
    flat <- all(vapply(x, function(e) is.null(e) || (is.atomic(e) && !is.matrix(e) && length(e) <= 4), TRUE))
    if (is.null(names(x))) {
      parts <- vapply(x, json, "", ind = ind + 1)
      return(paste0("[\n", pad, paste(parts, collapse = paste0(",\n", pad)), "]"))
    }
    keep <- !vapply(x, is.null, TRUE); x <- x[keep]
    parts <- paste0(.str(names(x)), ":", vapply(x, json, "", ind = ind + 1))
    if (flat && sum(nchar(parts)) < 400) return(paste0("{", paste(parts, collapse = ","), "}"))
    return(paste0("{\n", pad, paste(parts, collapse = paste0(",\n", pad)), "\n", end, "}"))
  }
  a <- .atom(x)
  if (!is.null(names(x)) && !arr) return(paste0("{", paste0(.str(names(x)), ":", a, collapse = ","), "}"))
  if (length(a) == 1 && !arr) return(a)
  paste0("[", paste(a, collapse = ","), "]")
}

# ---------------------------------------------------------------- CSV
OUT <- "."
wcsv <- function(df, file, digits = 15) {
  for (n in names(df)) {
    v <- df[[n]]
    if (is.logical(v)) v <- as.integer(v)
    if (is.numeric(v) && !is.integer(v)) {
      s <- sprintf(paste0("%.", digits, "g"), v); s[is.na(v)] <- ""; v <- s
    } else if (is.integer(v)) { s <- as.character(v); s[is.na(v)] <- ""; v <- s }
    else { s <- as.character(v); s[is.na(s)] <- ""
           q <- grepl("[\",\n]", s); s[q] <- paste0("\"", gsub("\"", "\"\"", s[q]), "\""); v <- s }
    df[[n]] <- v
  }
  p <- file.path(OUT, file); dir.create(dirname(p), FALSE, TRUE)
  con <- file(p, "wb")
  writeLines(c(paste(names(df), collapse = ","), do.call(paste, c(unname(as.list(df)), sep = ","))), con, sep = "\n")
  close(con); invisible(file)
}
rcsv <- function(file, ...) {
  p <- file.path(OUT, file)
  if (!file.exists(p)) p <- file.path(DATA_FALLBACK, file)
  read.csv(p, stringsAsFactors = TRUE, na.strings = "", check.names = FALSE, ...)
}
DATA_FALLBACK <- "."

# ---------------------------------------------------------------- cases
pkgv <- function(p) as.character(packageVersion(p))
EMPTY <- structure(list(), names = character())
.case <- NULL; .index <- NULL
write_index <- function() wcsv(.index, "index.csv")
CASE <- function(id, title, topic, data = list(), notes = NULL, options = NULL, body) {
  e <- new.env(parent = globalenv())
  .case <<- list(id = id, title = title, topic = topic, notes = notes,
                 env = list(R = paste(R.version$major, R.version$minor, sep = "."), survey = pkgv("survey")),
                 options = options, data = if (length(data)) data else EMPTY, designs = EMPTY, queries = list())
  if (!exists("QUIET")) cat("case", id, "\n")
  for (n in names(data)) assign(n, rcsv(data[[n]]), envir = e)
  old <- if (is.null(options)) list() else do.call(base::options, options)
  set.seed(20240101)
  on.exit(base::options(old))
  eval(substitute(body), e)
  .index <<- rbind(.index, data.frame(id = id, topic = topic, queries = length(.case$queries), title = title))
  p <- file.path(OUT, "cases", paste0(id, ".json")); dir.create(dirname(p), FALSE, TRUE)
  con <- file(p, "wb"); writeLines(json(.case), con, sep = "\n"); close(con)
}
ENVPKG <- function(...) for (p in c(...)) .case$env[[p]] <<- pkgv(p)
.dp <- function(x) gsub(" +", " ", paste(trimws(deparse(x, width.cutoff = 500L)), collapse = " "))

# design: evaluates svydesign() from a machine-readable spec and records both
D <- function(name, data, ids = character(), strata = NULL, weights = NULL, probs = NULL,
              fpc = NULL, nest = FALSE, pps = FALSE, ...) {
  env <- parent.frame()
  f <- function(v) as.formula(paste("~", paste(sprintf("`%s`", v), collapse = "+")))
  g <- function(v) as.formula(paste("~", paste(v, collapse = "+")))
  cl <- list(as.name("svydesign"), ids = if (length(ids)) g(ids) else quote(~1))
  if (!is.null(strata)) cl$strata <- g(strata)
  if (!is.null(weights)) cl$weights <- g(weights)
  if (!is.null(probs)) cl$probs <- g(probs)
  if (!is.null(fpc)) cl$fpc <- g(fpc)
  if (nest) cl$nest <- TRUE
  if (!identical(pps, FALSE)) cl$pps <- pps
  cl$data <- as.name(data)
  cl <- as.call(cl)
  d <- eval(cl, env)
  assign(name, d, envir = env)
  .case$designs[[name]] <<- list(kind = "svydesign", data = data, ids = I(as.character(ids)),
    strata = if (is.null(strata)) I(character()) else I(strata), weights = weights, probs = probs,
    fpc = if (is.null(fpc)) I(character()) else I(fpc), nest = nest,
    pps = if (identical(pps, FALSE)) NULL else as.character(pps),
    r = paste0(name, " <- ", .dp(cl)),
    n = nrow(d), n_psu = length(unique(d$cluster[, 1])), n_strata = length(unique(d$strata[, 1])), df = degf(d))
  invisible(d)
}
# derived design (post-stratified, raked, calibrated, replicate, subset, merged ...)
DD <- function(name, from, op, expr, args = list(), weights_file = FALSE, tol_weights = 1e-8) {
  env <- parent.frame(); ex <- substitute(expr)
  d <- eval(ex, env); assign(name, d, envir = env)
  rec <- c(list(kind = op, from = from), args, list(r = paste0(name, " <- ", .dp(ex))))
  if (weights_file) {
    w <- as.numeric(weights(d, "sampling"))
    rec$weights_summary <- wsum(w)
    rec$weights_csv <- wcsv(data.frame(row = seq_along(w), w = sprintf("%.12g", w)),
                            paste0("expected/", .case$id, ".", name, ".weights.csv"))
    rec$weights_rel_tol <- tol_weights
  }
  .case$designs[[name]] <<- rec
  invisible(d)
}
wsum <- function(w) list(n = length(w), sum = sum(w), sum_sq = sum(w^2), min = min(w), max = max(w),
                         kish_deff = length(w) * sum(w^2) / sum(w)^2, kish_neff = sum(w)^2 / sum(w^2))

# query: evaluates an R expression, records the call and the expected answer
Q <- function(name, stat, expr, args = list(), design = NULL, conv = NULL, tol = 1e-9, note = NULL, r = NULL) {
  env <- parent.frame(); ex <- substitute(expr)
  res <- eval(ex, env)
  exp <- if (!is.null(conv)) conv(res) else auto(res, args)
  .case$queries[[length(.case$queries) + 1]] <<- list(name = name, stat = stat, design = design,
      args = if (length(args)) args else NULL, r = if (is.null(r)) .dp(ex) else r, rel_tol = tol, note = note, expected = exp)
  invisible(res)
}
# query that must fail; records R's message for information
QERR <- function(name, stat, expr, args = list(), design = NULL, note = NULL) {
  env <- parent.frame(); ex <- substitute(expr)
  warns <- character(); out <- capture.output(
    res <- withCallingHandlers(tryCatch({eval(ex, env); NULL}, error = function(e) conditionMessage(e)),
         warning = function(w) {warns <<- c(warns, conditionMessage(w)); invokeRestart("muffleWarning")}))
  if (is.null(res)) stop("expected an error in ", name)
  .case$queries[[length(.case$queries) + 1]] <<- list(name = name, stat = stat, design = design,
      args = if (length(args)) args else NULL, r = .dp(ex), note = note,
      expected = list(error = TRUE, r_message = trimws(res), r_warnings = if (length(warns)) I(trimws(warns)) else NULL))
}
# keep warnings of an expression
WITHW <- function(expr) {
  w <- character()
  v <- withCallingHandlers(expr, warning = function(c) {w <<- c(w, trimws(conditionMessage(c))); invokeRestart("muffleWarning")})
  attr(v, "gw") <- w; v
}

# ---------------------------------------------------------------- converters
ci_t <- function(est, se, df, level = .95) { q <- if (is.finite(df)) qt(1 - (1 - level)/2, df) else qnorm(1 - (1 - level)/2); cbind(est - q * se, est + q * se) }
c_stat <- function(df = Inf, vcov = FALSE) function(x) {
  est <- as.numeric(coef(x)); se <- as.numeric(SE(x)); nm <- names(coef(x))
  if (is.null(nm)) nm <- paste0("v", seq_along(est))
  de <- tryCatch(suppressWarnings(as.numeric(deff(x))), error = function(e) NULL); if (length(de) == 0) de <- NULL
  z <- ci_t(est, se, Inf); t <- if (is.finite(df)) suppressWarnings(ci_t(est, se, df))
  list(df = if (is.finite(df)) df,
       rows = lapply(seq_along(est), function(i) c(list(name = nm[i], estimate = est[i], se = se[i]),
         if (!is.null(de)) list(deff = de[i]), list(ci95_z = I(z[i, ])), if (is.finite(df)) list(ci95_t = I(t[i, ])))),
       vcov = if (vcov) { v <- as.matrix(stats::vcov(x)); dimnames(v) <- NULL; v })
}
# svyby result -> rows; d (design) gives per-domain n, weight sum and degf
c_by <- function(d = NULL, df = Inf, csv = FALSE, name = NULL) function(x) {
  a <- attr(x, "svyby"); mv <- names(x)[a$margins]; vars <- a$variables
  est <- matrix(coef(x), nrow = nrow(x)); se <- matrix(SE(x)[[1]], nrow = nrow(x))
  se <- as.matrix(SE(x)); if (ncol(se) == 1 && ncol(est) > 1) se <- matrix(se, nrow = nrow(x))
  dcols <- grep("^DEff", names(x), value = TRUE)
  rows <- lapply(seq_len(nrow(x)), function(i) {
    by <- lapply(x[i, mv, drop = FALSE], function(v) as.character(v)); names(by) <- mv
    r <- list(by = by)
    if (!is.null(d)) {
      sel <- Reduce(`&`, lapply(mv, function(m) as.character(d$variables[[m]]) %in% as.character(x[i, m])))
      cv <- intersect(vars, names(d$variables)); if (length(cv)) sel <- sel & complete.cases(d$variables[, cv, drop = FALSE])   # answered rows only
      dd <- d[sel, ]; w <- weights(d, "sampling")[sel]
      r <- c(r, list(n = sum(w > 0), sum_w = sum(w), domain_df = degf(dd)))
    }
    r$stat <- lapply(seq_along(vars), function(j) {
      s <- list(name = vars[j], estimate = est[i, j], se = se[i, j])
      if (length(dcols)) s$deff <- as.numeric(x[i, dcols[j]])
      if (is.finite(df)) s$ci95_t <- I(as.numeric(ci_t(est[i, j], se[i, j], df)))
      s })
    r })
  list(df = if (is.finite(df)) df, rows = rows)
}
c_prop <- function(x) list(estimate = as.numeric(coef(x)), se = as.numeric(SE(x)), ci = I(as.numeric(confint(x))))
c_htest <- function(x) list(statistic = as.numeric(x$statistic), df = I(as.numeric(x$parameter)), p_value = as.numeric(x$p.value))
c_ttest <- function(x) list(estimate = as.numeric(x$estimate), t = as.numeric(x$statistic), df = as.numeric(x$parameter),
                            p_value = as.numeric(x$p.value), ci95 = I(as.numeric(x$conf.int)))
auto <- function(x, args) {
  if (inherits(x, "svyciprop")) c_prop(x)
  else if (inherits(x, "svyby")) c_by()(x)
  else if (inherits(x, c("svystat", "svrepstat", "svyratio"))) c_stat()(x)
  else if (inherits(x, "htest")) c_htest(x)
  else if (is.data.frame(x)) list(rows = lapply(seq_len(nrow(x)), function(i) as.list(x[i, , drop = FALSE])))
  else if (is.list(x)) x
  else if (is.matrix(x)) { dimnames(x) <- NULL; list(matrix = x) }
  else if (length(x) == 1 && is.null(names(x))) list(value = x)
  else if (!is.null(names(x))) list(values = as.list(x))
  else list(values = I(x))
}
# margins as JSON: list of {vars, cells:[{...,total}]}
marg <- function(...) lapply(list(...), function(df) {
  v <- setdiff(names(df), "Freq")
  list(vars = I(v), cells = lapply(seq_len(nrow(df)), function(i) c(lapply(df[i, v, drop = FALSE], as.character), list(total = df$Freq[i]))))
})
cond_rel <- function(a, b) max(abs(a - b) / pmax(1e-300, abs(b)))
# optional cross-check against a CRAN package that Debian does not ship
XCHECK <- function(pkg, expr) {
  if (requireNamespace(pkg, quietly = TRUE)) { v <- eval(substitute(expr), parent.frame()); .case$crosscheck[[paste(pkg, pkgv(pkg))]] <<- v }
}

# Fay-Herriot golden: sae fitted to convergence, checked against r/methods.R
fh_case <- function(name, f, D, data, method, X, y, args, tol = 1e-7, truth = NULL) {
  e <- environment(); dat <- data; dat$.D <- D
  fit <- eval(bquote(mseFH(.(f), .D, method = .(method), MAXITER = 500, PRECISION = 1e-13, data = dat)))
  A <- fit$est$fit$refvar; b <- fh_blup(y, X, D, A); g <- fh_g(X, D, A)
  stopifnot(cond_rel(b$eblup, as.numeric(fit$est$eblup)) < 1e-9)
  if (method == "REML") stopifnot(cond_rel(g$mse_reml, fit$mse) < 1e-8, abs(fh_reml(y, X, D) - A) < 1e-6 * (1e-9 + A) + 1e-12)
  Q(name, "fay_herriot", fit, args, NULL, function(x) list(A = as.numeric(x$est$fit$refvar), beta = I(as.numeric(x$est$fit$estcoef$beta)), beta_se = I(as.numeric(x$est$fit$estcoef$std.error)),
      loglik = as.numeric(x$est$fit$goodness["loglike"]), gamma = I(A / (A + D)), eblup = I(as.numeric(x$est$eblup)), mse = I(as.numeric(x$mse))), tol = tol,
    r = sprintf("sae::mseFH(%s, vardir, method=\"%s\", MAXITER=500, PRECISION=1e-13)", .dp(f), method))
  invisible(fit)
}
