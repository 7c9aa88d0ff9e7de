# Prints theta_golden.json: what R's forecast package computes on its own data sets.
#
#	OMP_NUM_THREADS=1 Rscript theta_golden.R > theta_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12).
suppressMessages(library(forecast))
library(jsonlite)

cases <- list(
  AirPassengers = AirPassengers,
  USAccDeaths = USAccDeaths,
  WWWusage = WWWusage,
  lynx = lynx,
  nottem = nottem,
  wineind = wineind
)
out <- lapply(names(cases), function(name) {
  y <- cases[[name]]
  season <- frequency(y)
  h <- max(10, 2 * season)
  smoothed <- ses(as.numeric(y), h = 1)
  theta <- thetaf(y, h = h, level = 80)
  list(
    name = name,
    season = season,
    values = as.numeric(y),
    ses = as.numeric(smoothed$mean),
    alpha = smoothed$model$par[["alpha"]],
    sse = sum(residuals(smoothed)^2),
    theta = as.numeric(theta$mean),
    # Without a season; with one R's interval has not the width of the season's factor.
    upper80 = I(if (season == 1) as.numeric(theta$upper) else numeric(0))
  )
})
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
