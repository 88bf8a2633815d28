// What a shop puts on every page: the stub, which keeps what is said until Shopbell's own script is there,
// what kind of page this is, and what the shopper chose about being measured. A file of its own and not an
// inline script, so that the page's content security policy can stay `default-src 'self'`.
!function(w,n){w[n]=w[n]||function(){(w[n].q=w[n].q||[]).push(arguments)}}(window,"shopbell");

{
  const { lang, dataset } = document.documentElement;
  const choice = /(?:^|; )vloei_consent=(yes|no)/.exec(document.cookie);
  shopbell("config", { language: lang });
  // Nobody asked yet: nothing is said about consent, and Shopbell keeps everything in memory.
  if (choice) shopbell("consent", { analytics: choice[1] == "yes" });
  shopbell("page", { type: dataset.pageType, language: lang });
}
