//! What the account is like, and what goes wrong.

use super::FakeKommo;
use super::fault::Fault;

impl FakeKommo {
    /// Whether the token works; `false` is a token that was revoked. Default `true`.
    pub fn set_token_valid(&self, valid: bool) {
        self.state().token_valid = valid;
    }

    /// Sets the account's currency, an ISO code. Default USD.
    pub fn set_currency(&self, code: &str) {
        code.clone_into(&mut self.state().currency);
    }

    /// Sets the account's time zone, as Kommo writes it: its name, and how far it is from UTC just now. Default `UTC` and
    /// `+00:00`.
    pub fn set_timezone(&self, name: &str, offset: &str) {
        let mut state = self.state();
        name.clone_into(&mut state.timezone);
        offset.clone_into(&mut state.timezone_offset);
    }

    /// Whether the account takes prices with decimals and answers `price_with_minor_units` beside the
    /// truncated `price`. Default `false`: a price is an integer and anything else is refused.
    pub fn set_minor_units(&self, on: bool) {
        self.state().minor_units = on;
    }

    /// Whether filters on leads and contacts are silently ignored, as on accounts without the API filter.
    /// Default `false`.
    pub fn set_ignore_filters(&self, ignore: bool) {
        self.state().ignore_filters = ignore;
    }

    /// Whether a PATCH of one id answers the bare object (amoCRM's docs) and not the wrapped list (Kommo's).
    /// Default `false`.
    pub fn set_bare_patch_answers(&self, bare: bool) {
        self.state().bare_patch = bare;
    }

    /// Whether the good items of a batch with bad ones are written although the answer is the 400.
    ///
    /// Kommo does not document which it is. Default `false`: nothing of such a batch is written.
    pub fn set_partial_batches(&self, partial: bool) {
        self.state().partial_batches = partial;
    }

    /// Stops the fake's clock at these Unix seconds, or lets it follow the machine's with `None` (the default).
    ///
    /// The rate limit always goes by the machine's clock.
    pub fn set_time(&self, unix_seconds: Option<i64>) {
        self.state().time = unix_seconds;
    }

    /// For how many requests after its own a new note or task is missing from the lists, as if the read side lagged.
    /// Default 0. [`notes`](Self::notes) and [`tasks`](Self::tasks) always show everything.
    pub fn set_read_lag(&self, requests: u64) {
        self.state().read_lag = requests;
    }

    /// How many requests in any one second are answered; more get a 429. `None` is no limit. Default 7.
    pub fn set_rate_limit(&self, per_second: Option<u32>) {
        self.state().gate.limit = per_second;
    }

    /// After how many 429s the fake blocks, until [`unblock`](Self::unblock). `None`, the default, is never.
    pub fn set_block_after(&self, refusals: Option<usize>) {
        self.state().gate.block_after = refusals;
    }

    /// Blocks: everything gets the HTML 403.
    pub fn block(&self) {
        self.state().gate.blocked = true;
    }

    /// Ends the block.
    pub fn unblock(&self) {
        self.state().gate.blocked = false;
    }

    /// Lets a coming request fail. Several faults wait side by side; the first that is due strikes.
    ///
    /// A fault goes before the rate limit, the block and the token.
    pub fn fail_next(&self, fault: Fault) {
        self.state().script.push(fault);
    }

    /// Asks this for every request that no scripted fault strikes: method, path, and how many items its body holds (0 when
    /// it is no list). What it gives strikes that request.
    pub fn fail_when(
        &self,
        chance: impl FnMut(&str, &str, usize) -> Option<Fault> + Send + 'static,
    ) {
        self.state().script.set_chance(Box::new(chance));
    }

    /// Takes back all faults that have not struck yet.
    pub fn clear_faults(&self) {
        self.state().script.clear();
    }

    /// Applies the requests that [`Fault::applied_later`] held back, in the order in which they came, and returns
    /// how many of them were accepted.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn apply_held(&self) -> usize {
        self.state().apply_held()
    }

    /// How large the parts of an upload may be, in bytes. Default 524288.
    pub fn set_part_size(&self, bytes: usize) {
        self.state().drive.part_size = bytes;
    }

    /// Whether the token has the scope `files`; without it the drive answers 403. Default `true`.
    pub fn set_files_scope(&self, has: bool) {
        self.state().drive.in_scope = has;
    }

    /// Makes the account one of an OAuth integration with this id, secret and redirect URI. Its tokens are taken beside
    /// [`token`](Self::token): access tokens for a day and refresh tokens once, by the fake's clock.
    pub fn set_app(&self, client_id: &str, client_secret: &str, redirect_uri: &str) {
        let app = [client_id, client_secret, redirect_uri].map(str::to_owned);
        self.state().grants.set_app(app);
    }

    /// What an administrator does who agrees: the code that comes to the redirect URI, good for twenty minutes and once.
    #[must_use]
    pub fn grant(&self) -> String {
        let mut state = self.state();
        let now = state.now();
        state.grants.code(now)
    }

    /// Takes back every grant: all codes and tokens of the integration are void.
    pub fn revoke_grants(&self) {
        self.state().grants.revoke();
    }
}
