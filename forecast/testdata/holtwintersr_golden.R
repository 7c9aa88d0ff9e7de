# Prints holtwintersr_golden.json: Holt's and Holt-Winters' methods on R's own data sets, with
# the states at the start that forecast.HoltWinters documents and the smoothing of the
# least squared errors.
#
#	OMP_NUM_THREADS=1 Rscript holtwintersr_golden.R > holtwintersr_golden.json
#
# Made with R 4.2.2, forecast 8.20, jsonlite 1.8.4 (Debian 12). The undamped are of
# stats::HoltWinters, the damped of the recursion inside forecast's ets (pegelsresid.C), which has
# a search only for states at the start that are free too; so its search is optim here.
suppressMessages(library(forecast))
library(jsonlite)

series <- list(
  AirPassengers = AirPassengers,
  USAccDeaths = USAccDeaths,
  wineind = wineind,
  nottem = nottem,
  UKgas = UKgas,
  WWWusage = WWWusage,
  lynx = lynx,
  austres = austres,
  Nile = Nile,
  LakeHuron = LakeHuron
)
seasonal <- c("AirPassengers", "USAccDeaths", "wineind", "nottem", "UKgas")
level_only <- c("WWWusage", "lynx", "austres", "Nile", "LakeHuron")
ahead <- 24

# The states before the first value: the mean change over the first three seasons (ten values
# without a season), and the means of the phases without it.
start_of <- function(y, m) {
  n <- if (m > 1) min(length(y) %/% m, 3) * m else min(length(y), 10)
  head <- y[1:n]
  trend <- mean(diff(head, lag = m)) / m
  phases <- rowMeans(matrix(head - trend * (0:(n - 1)), nrow = m))
  list(level = mean(phases) - trend, trend = trend, season = phases - mean(phases))
}
# The least of searches from several starts: there are several minima.
starts <- expand.grid(c(.1, .5, .9), c(.02, .2, .8), c(.1, .6))

undamped <- function(y, m) {
  start <- start_of(y, m)
  # HoltWinters takes the first values as what the start was made from.
  padded <- ts(c(rep(0, if (m > 1) m else 2), y), frequency = max(m, 1))
  best <- NULL
  for (i in seq_len(nrow(starts))) {
    from <- unlist(starts[i, ])
    fit <- tryCatch(suppressWarnings(if (m > 1) {
      HoltWinters(padded,
        l.start = start$level, b.start = start$trend, s.start = start$season,
        optim.start = c(alpha = from[[1]], beta = from[[2]], gamma = from[[3]]), optim.control = list(factr = 10, maxit = 1000)
      )
    } else {
      HoltWinters(padded,
        gamma = FALSE, l.start = start$level, b.start = start$trend,
        optim.start = c(alpha = from[[1]], beta = from[[2]]), optim.control = list(factr = 10, maxit = 1000)
      )
    }), error = function(e) NULL)
    if (!is.null(fit) && (is.null(best) || fit$SSE < best$SSE)) best <- fit
  }
  # Its beta and gamma are of the new level, those of the error-correction form of the error.
  smoothing <- list(alpha = best$alpha[[1]], beta = best$alpha[[1]] * best$beta[[1]], phi = 1)
  if (m > 1) smoothing$gamma <- best$gamma[[1]] * (1 - best$alpha[[1]])
  list(smoothing = smoothing, sse = best$SSE, forecast = as.numeric(predict(best, ahead)))
}
damped <- function(y, m) {
  start <- start_of(y, m)
  init <- c(start$level, start$trend, if (m > 1) rev(start$season))
  run <- function(s) {
    forecast:::pegelsresid.C(
      ts(y, frequency = m), m, init, "A", "A", if (m > 1) "A" else "N", TRUE,
      s$alpha, s$beta, if (m > 1) s$gamma else NULL, s$phi, 3
    )
  }
  # Within the bounds that HoltWinters documents, by logits.
  decode <- function(x) {
    alpha <- 1e-4 + .9998 * plogis(x[1])
    list(alpha = alpha, beta = alpha * plogis(x[2]), phi = .8 + .198 * plogis(x[3]), gamma = if (m > 1) (1 - alpha) * plogis(x[4]))
  }
  squares <- function(x) log(sum(run(decode(x))$e^2))
  best <- NULL
  for (i in seq_len(nrow(starts))) {
    from <- c(qlogis(starts[i, 1]), qlogis(starts[i, 2]), 1, if (m > 1) qlogis(starts[i, 3]))
    for (round in 1:3) {
      fit <- optim(from, squares, control = list(reltol = 1e-14, maxit = 5000))
      from <- fit$par
    }
    if (is.null(best) || fit$value < best$value) best <- fit
  }
  s <- decode(best$par)
  fit <- run(s)
  end <- tail(fit$states, 1)[1, ]
  mean <- end[[1]] + end[[2]] * cumsum(s$phi^(1:ahead))
  if (m > 1) mean <- mean + rep_len(rev(end[2 + 1:m]), ahead)
  list(smoothing = s[!sapply(s, is.null)], sse = sum(fit$e^2), forecast = as.numeric(mean))
}

cases <- list()
for (name in c(seasonal, level_only)) {
  y <- as.numeric(series[[name]])
  m <- if (name %in% seasonal) frequency(series[[name]]) else 1
  for (d in c(FALSE, TRUE)) {
    cases[[length(cases) + 1]] <- c(list(series = name, season = m, damped = d), if (d) damped(y, m) else undamped(y, m))
  }
}
values <- lapply(series, as.numeric)
cat(toJSON(list(series = values, cases = cases), digits = NA, auto_unbox = TRUE), "\n", sep = "")
