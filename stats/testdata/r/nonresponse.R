# Non-response adjustment by weighting classes: the factor of each class is what
# survey::postStratify makes of the weights of those who answered, with the
# weighted sizes of the classes among all drawn as totals.
#
#   Rscript stats/testdata/r/nonresponse.R [output-folder]
#
# writes nonresponse.csv: the cells, the class that each is in after joining as
# NonResponse says (worked out by hand here), and the factor.
suppressPackageStartupMessages(library(survey))
folder <- c(commandArgs(TRUE), "stats/weighting/testdata")[1]
cells <- data.frame(
  district = "A", subdistrict = c("s1", "s1", "s1", "s1", "s2", "s2", "s3", "s4", "s4"),
  drawn    = c(12, 10, 9, 14, 20, 8, 6, 11, 10),
  answered = c( 9,  3, 6,  4,  6, 1, 2, 10,  7),
  # by hand. s1: cell 2 (3 answers) joins cell 3 (6, fewer than the 9 of cell 1);
  # cell 4 (4 answers) joins what lies before it. s2: cell 5 has 20/6 > 3 and joins
  # cell 6; 28/7 is still above 3, so with the district's neighbour of fewer
  # answers, s3; 34/9 is still above 3, so with the first cell of s4: 45/19.
  class    = c( 1,  2, 2,  2,  3, 3, 3,  3,  4))
set.seed(20261126)
rows <- do.call(rbind, lapply(seq_len(nrow(cells)), function(i) data.frame(
  cell = i, class = cells$class[i], d = round(runif(cells$drawn[i], 20, 60), 2),
  answered = sample(rep(c(TRUE, FALSE), c(cells$answered[i], cells$drawn[i] - cells$answered[i]))))))
# Cells 5 to 7 get equal weights, so that the joining by hand holds.
rows$d[rows$cell %in% 5:7] <- 40
design <- svydesign(ids = ~1, weights = ~d, data = rows[rows$answered, ])
totals <- aggregate(d ~ class, rows, sum); names(totals)[2] <- "Freq"
adjusted <- postStratify(design, ~class, totals)
factor <- weights(adjusted) / weights(design)
cells$eligible <- aggregate(d ~ cell, rows, sum)$d
cells$base <- aggregate(d ~ cell, rows[rows$answered, ], sum)$d
cells$factor <- tapply(factor, rows$cell[rows$answered], mean)
stopifnot(max(abs(tapply(factor, rows$cell[rows$answered], sd)), na.rm = TRUE) < 1e-12)
cells$factor <- format(as.numeric(cells$factor), digits = 15)
write.csv(cells[, c("district", "subdistrict", "answered", "eligible", "base", "class", "factor")],
          file.path(folder, "nonresponse.csv"), row.names = FALSE, quote = FALSE)
