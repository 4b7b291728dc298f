# make.R - makes data/, cases/ and expected/ beside this folder again.
#   Rscript stats/testdata/r/make.R [output-folder]
# Debian 12: r-base-core 4.2.2, r-cran-survey 4.1-1, r-cran-mass; r-cran-lme4 1.1-31, r-cran-psych for some cases.
self <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)); SRC <- dirname(normalizePath(self))
source(file.path(SRC, "lib.R")); source(file.path(SRC, "data.R")); source(file.path(SRC, "methods.R"))
a <- commandArgs(TRUE); OUT <- if (length(a)) a[1] else normalizePath(file.path(SRC, "..")); dir.create(OUT, FALSE, TRUE)
P <- sim_pop(20251)
wcsv(census(P), "data/syn_census.csv"); wcsv(draw_hh(P, 1), "data/syn_hh.csv"); wcsv(cbind(draw_qr(P, 3), one = 1L), "data/syn_qr.csv")
local({ tab <- expand.grid(p = c(0, .004, .03, .25, .5, .9, .995, 1), n = c(4, 12, 30, 400))
  tab$df <- pmax(1, round(tab$n / 3)); tab$level <- rep(c(.95, .9, .99, .95), length.out = nrow(tab)); deff <- rep(c(1, 1.7, .6), length.out = nrow(tab))
  tab$se <- round(sqrt(deff * tab$p * (1 - tab$p) / tab$n), 10); wcsv(tab[, c("p", "se", "n", "df", "level")], "data/ci_table.csv") })
wcsv(communities(P), "data/syn_communities.csv"); wcsv(draw_area(P, 4), "data/syn_area.csv"); wcsv(sim_quality(11), "data/syn_quality.csv")
source(file.path(SRC, "cases_insight.R"))
local({ h <- draw_hh(P, 1); h <- h[h$subdistrict %in% c("S1", "S2", "S3"), ]; one <- h$building[h$subdistrict == "S3"][1]  # S3 keeps one building
  wcsv(h[h$subdistrict != "S3" | h$building == one, c("subdistrict", "building", "hh", "adults", "age", "aware", "dur", "w")], "data/syn_lonely.csv") })
source(file.path(SRC, "cases_combined.R"))
local({ h1 <- draw_hh(P, 1); keep <- unlist(lapply(split(h1$building, h1$subdistrict), function(b) unique(as.character(b))[1:6]))
  h2 <- draw_hh(P, 2, keep = keep); h2$aware <- pmax(h2$aware, rbinom(nrow(h2), 1, .12))  # a real rise in awareness in wave 2
  wcsv(stack_waves(h1, h2, c("subdistrict","community","building","hh","adults","n_bld","n_hh","age","sex","aware","participate","sat","top2","w")), "data/syn_waves.csv") })
source(file.path(SRC, "cases.R")); source(file.path(SRC, "cases_field.R"))
if (requireNamespace("sae", quietly = TRUE)) source(file.path(SRC, "cases_area.R")) else message("package sae is not installed: p21, p22, p33 and p34 stay as they are")
