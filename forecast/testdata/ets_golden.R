# Prints ets_golden.json: the forms that R's ets selects on its own data sets, and all
# forms fitted to one of them.
#
#	OMP_NUM_THREADS=1 Rscript ets_golden.R > ets_golden.json
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
name_of <- function(fit) {
  parts <- fit$components
  paste0(parts[1], parts[2], if (parts[4] == "TRUE") "d" else "", parts[3])
}
# For a multiplicative season R gives the mean, not the point where all later errors
# are 0, and damps from the second step only; so here from R's states at the end.
ahead <- function(fit, h) {
  if (fit$components[3] != "M") {
    return(as.numeric(forecast(fit, h = h, PI = FALSE)$mean))
  }
  end <- tail(as.matrix(fit$states), 1)[1, ]
  phi <- if (fit$components[4] == "TRUE") fit$par[["phi"]] else 1
  trend <- if (fit$components[2] == "A") end[["b"]] else 0
  season <- rev(end[paste0("s", 1:12)])
  as.numeric((end[["l"]] + trend * cumsum(phi^(1:h))) * rep_len(season, h))
}
selected <- lapply(names(cases), function(name) {
  fit <- ets(cases[[name]])
  list(
    name = name,
    season = frequency(cases[[name]]),
    values = as.numeric(cases[[name]]),
    form = name_of(fit),
    aicc = fit$aicc,
    forecast = as.numeric(forecast(fit, h = 12, PI = FALSE)$mean)
  )
})
forms <- list()
for (model in c("ANN", "AAN", "ANA", "AAA", "MNN", "MAN", "MNA", "MAA", "MNM", "MAM")) {
  for (damped in if (substr(model, 2, 2) == "A") c(FALSE, TRUE) else FALSE) {
    fit <- ets(AirPassengers, model = model, damped = damped)
    par <- as.list(fit$par[intersect(c("alpha", "beta", "gamma", "phi"), names(fit$par))])
    forms[[length(forms) + 1]] <- list(
      form = name_of(fit),
      smoothing = par,
      states = I(as.numeric(fit$initstate)), # l, b, then the season backwards.
      minus2loglik = -2 * fit$loglik,
      aicc = fit$aicc,
      forecast = ahead(fit, 24),
      sigma2 = fit$sigma2,
      # R lets an additive season react to an error 11 steps later, which is one too early,
      # and the damped forecast of a multiplicative season is not that of the form.
      upper80 = if (name_of(fit) != "MAdM") {
        I(as.numeric(forecast(fit, h = if (fit$components[3] == "N") 24 else 11, level = 80)$upper))
      } else {
        I(numeric(0))
      }
    )
  }
}
out <- list(selected = selected, forms = forms)
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n", sep = "")
